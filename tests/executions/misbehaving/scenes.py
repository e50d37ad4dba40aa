"""What tests of isolated handlers share."""

from typing import Any

from tests.executions.misbehaving import settings as settings_of_children
from tests.executions.programs.children import child
from workflows.documents import Json

LAST: Json = {"type": "test_echo"}


def last(**fields: Json) -> Json:
    return {"type": "test_last_words_apart", **fields}


def worker(**variables: Any) -> Any:
    given = {"DJANGO_SETTINGS_MODULE": settings_of_children.__name__, "STOP_GRACE_SECONDS": 1, **variables}
    return child("manage.py", "run_worker", **given)
