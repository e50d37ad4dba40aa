"""What to do after a failed attempt: a pure decision."""

from collections.abc import Callable

from workflows.definition import Action, OnError, RetryPolicy

JITTER_FLOOR = 0.5


def should_retry(action: Action, attempt: int, *, retryable: bool) -> bool:
    """Whether attempt number `attempt` (from 1), having failed, is followed by another one."""
    return action.on_error is OnError.RETRY and retryable and attempt <= action.retry_config.max_retries


def delay_ms(policy: RetryPolicy, attempt: int, draw: Callable[[], float]) -> int:
    """How long to wait after failed attempt number `attempt` (from 1), in ms.

    Exponential backoff with a cap; jitter takes between half of it and all of it, `draw()` giving a number in [0, 1).
    """
    exponent = min(attempt - 1, 64)
    full = min(float(policy.max_delay_ms), policy.delay_ms * policy.backoff_multiplier**exponent)
    return round(full * (JITTER_FLOOR + (1 - JITTER_FLOOR) * draw())) if policy.jitter else round(full)
