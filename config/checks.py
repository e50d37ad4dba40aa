"""What is wrong in the environment, as system checks: `manage.py check`, every command and the server say it."""

from typing import Any

from django.core.checks import Error

from config.environment import PROBLEMS


def environment(**_: Any) -> list[Error]:
    """One error for each variable that is wrong, with its mend."""
    return [
        Error(f"{problem.name}: {problem.message}", hint=problem.mend, id="trilith.E001")
        for problem in sorted(PROBLEMS, key=lambda problem: problem.name)
    ]
