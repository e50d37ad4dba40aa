"""What is done with several executions at once: each by itself, and for each is said what became of it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

from django.http import HttpRequest

from executions import services
from executions.models import Execution
from executions.states import TransitionNotAllowed
from workspaces.access import Verb
from workspaces.admin.reach import ByRole

AT_ONCE = 500
"""How many executions are cancelled or run again at once, at most."""


class Result(StrEnum):
    DONE = "done"
    LEFT = "left"
    REFUSED = "refused"


class Fate(NamedTuple):
    """What will become, or became, of one; `again`: the id of what was started for it."""

    result: Result
    says: str
    again: str = ""


@dataclass(frozen=True, slots=True)
class Deed(ABC):
    """Done by `admin` for who asks. `intent` and `words`: what will be, and what was done, for people."""

    admin: ByRole
    request: HttpRequest
    action: ClassVar[str]
    intent: ClassVar[str]
    words: ClassVar[str]
    permission: ClassVar[str]
    refusal: ClassVar[str]

    def foreseen(self, execution: Execution) -> Fate:
        """As things are now."""
        if not self.admin.may_by(self.request, Verb.EXECUTE, self.permission, execution):
            return Fate(Result.REFUSED, self.refusal)
        reason = self.reason_to_leave(execution)
        return Fate(Result.LEFT, reason) if reason else Fate(Result.DONE, self.intent)

    def done(self, execution: Execution) -> Fate:
        """Does it, where it is foreseen; in a transaction of its own."""
        foreseen = self.foreseen(execution)
        return self.do(execution) if foreseen.result == Result.DONE else foreseen

    @abstractmethod
    def reason_to_leave(self, execution: Execution) -> str: ...

    @abstractmethod
    def do(self, execution: Execution) -> Fate: ...

    @property
    def user(self) -> Any:
        return self.request.user


class Cancelling(Deed):
    action, permission = "cancel_selected", "executions.cancel_execution"
    intent, words = "It will be cancelled.", "Cancelled"
    refusal = "Your role in its workspace doesn't let you cancel it."

    def reason_to_leave(self, execution: Execution) -> str:
        return _ended_as(execution.status) if execution.has_ended else ""

    def do(self, execution: Execution) -> Fate:
        try:
            services.cancel(execution=execution, by=self.user)
        except TransitionNotAllowed as refused:
            return Fate(Result.LEFT, _ended_as(refused.current))
        self.admin.log_change(self.request, execution, "Cancelled.")
        return Fate(Result.DONE, "Cancelled.")


class RunningAgain(Deed):
    action, permission = "run_again_selected", "workflows.execute_workflow"
    intent, words = "A new one will start.", "Started again"
    refusal = "Your role in its workspace doesn't let you run it."

    def reason_to_leave(self, execution: Execution) -> str:
        return "" if services.may_run_again(execution) else f"Its workflow is {execution.workflow.status}."

    def do(self, execution: Execution) -> Fate:
        latest = self.request.POST.get("latest") == "1"
        try:
            again = services.run_again(execution=execution, latest=latest, by=self.user)
        except services.NotActive as refused:
            return Fate(Result.LEFT, str(refused))
        self.admin.log_addition(self.request, again, f"Run again, with the data of {execution} and {again.version}.")
        return Fate(Result.DONE, "Started again.", str(again.pk))


def _ended_as(status: str) -> str:
    return f"It had already ended as {status}."
