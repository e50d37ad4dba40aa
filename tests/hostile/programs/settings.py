"""The project's, on a SQLite that waits for another program's lock for a second only."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES

DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {"timeout": 1}
