"""The state machine: every status, and the one table of allowed transitions."""

from enum import StrEnum


class ExecutionStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"

    @property
    def is_final(self) -> bool:
        return not TRANSITIONS[self]


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class WaitingFor(StrEnum):
    """Why an unfinished execution holds no thread: a RUNNING one a timer or a retry, a PENDING one a limit."""

    TIMER = "timer"
    RETRY = "retry"
    LIMIT = "limit"


TRANSITIONS: dict[ExecutionStatus, frozenset[ExecutionStatus]] = {
    ExecutionStatus.PENDING: frozenset({ExecutionStatus.RUNNING, ExecutionStatus.CANCELLED}),
    ExecutionStatus.RUNNING: frozenset(
        {
            ExecutionStatus.COMPLETED,
            ExecutionStatus.FAILED,
            ExecutionStatus.TIMEOUT,
            ExecutionStatus.CANCELLED,
        }
    ),
    ExecutionStatus.COMPLETED: frozenset(),
    ExecutionStatus.FAILED: frozenset(),
    ExecutionStatus.CANCELLED: frozenset(),
    ExecutionStatus.TIMEOUT: frozenset(),
}

FINAL = tuple(status for status, following in TRANSITIONS.items() if not following)
UNFINISHED = tuple(status for status, following in TRANSITIONS.items() if following)


class TransitionNotAllowed(Exception):
    """The execution's status doesn't lead to the wished one."""

    def __init__(self, current: ExecutionStatus, wished: ExecutionStatus) -> None:
        super().__init__(f"an execution that is {current} can't become {wished}")
        self.current = current
        self.wished = wished


def check_transition(current: ExecutionStatus, wished: ExecutionStatus) -> None:
    """Raises TransitionNotAllowed unless the table has this edge."""
    if wished not in TRANSITIONS[current]:
        raise TransitionNotAllowed(current, wished)
