"""What holds after each run, whatever befell it. Each invariant gives a line for all that breaks it."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from executions.engine.retry import delay_ms
from executions.states import ExecutionStatus
from tests.faults.history import History, Life, Row, attempts_made, interruptions
from workflows.definition import OnError

CLOCK = timedelta(milliseconds=1)
"""What a database's clock can't tell apart."""

ONE_COMMIT = timedelta(milliseconds=500)
"""On SQLite each statement of a commit has a time of its own, and an execution's end is the first of them."""

LATE_SECONDS = 2.0
"""How long after a cancel's answer a request that was on its way then may still arrive."""

type Invariant = Callable[[History], Iterator[str]]


def violations(history: History) -> list[str]:
    return [f"{name}: {line}" for name, holds in INVARIANTS.items() for line in holds(history)]


def _each(check: Callable[[Life], Iterator[str]]) -> Invariant:
    return lambda history: (f"{life.name}: {line}" for life in history.lives for line in check(life))


def every_fault_fired(history: History) -> Iterator[str]:
    if history.fired != history.armed:
        yield f"{history.fired} of {history.armed} faults"


def nothing_is_lost(history: History) -> Iterator[str]:
    if Counter(history.accepted) != Counter(history.found):
        yield f"accepted {sorted(history.accepted)}, found {sorted(history.found)}"
    for life in history.lives:
        if not ExecutionStatus(life.row["status"]).is_final:
            yield f"{life.name} is {life.row['status']}"


def an_end_is_final(life: Life) -> Iterator[str]:
    if (life.row, life.steps) != life.again:
        yield "it has changed after its end"
    if life.was_moved:
        yield "it was claimed or cancelled after its end"


def it_ends_as_undisturbed(life: Life) -> Iterator[str]:
    statuses = tuple(step["status"] for step in life.steps)
    if life.expected and (life.row["status"], statuses) != ("COMPLETED", life.expected):
        yield f"{life.row['status']} with {statuses}"


def a_step_is_recorded_once(life: Life) -> Iterator[str]:
    paths = [step["path"] for step in life.steps]
    if paths != [str(number) for number in range(len(paths))]:
        yield f"paths {paths}"
    counted = Counter(step["status"] for step in life.steps)
    kept = [life.row[f"{name}_steps"] for name in ("successful", "failed", "skipped")]
    if kept != [counted["success"], counted["failed"], counted["skipped"]]:
        yield f"counted {kept}, recorded {dict(counted)}"
    if any(status in counted for status in ("running", "pending")):
        yield f"a step is still open: {dict(counted)}"


def steps_are_in_order(life: Life) -> Iterator[str]:
    positions = [*(step["position"] for step in life.steps), life.row["position"]]
    if any(earlier >= later for earlier, later in pairwise(positions)):
        yield f"positions {positions}"
    moments = [life.row["created_at"], life.row["started_at"]]
    moments += [moment for step in life.steps for moment in (step["started_at"], step["completed_at"])]
    known = [moment for moment in moments if moment]
    ended_at = life.row["completed_at"] or known[-1]
    if known != sorted(known) or ended_at < known[-1] - ONE_COMMIT:
        yield f"times {[moment.isoformat() for moment in (*known, ended_at)]}"


def the_stream_is_the_log(life: Life) -> Iterator[str]:
    for since, events in life.streams.items():
        if (since, events) == (life.row["position"], []):
            continue
        steps = {event.id: event.data for event in events if event.kind == "step"}
        if steps != {position: step for position, step in life.log.items() if position > since}:
            yield f"after {since} it tells of {sorted(map(str, steps))} of {sorted(life.log)}"
        ids = [event.id for event in events if event.id is not None]
        if ids != sorted(set(ids)):
            yield f"after {since} in the order {ids}"
        last = events[-1] if events else None
        end = life.row["position"], life.row["status"]
        if last is None or last.kind != "complete" or (last.id, last.data["status"]) != end:
            yield f"after {since} it ends with {last}"


def the_api_says_what_the_rows_say(life: Life) -> Iterator[str]:
    shown = [(step["path"], step["status"], step["attempt"]) for step in life.shown.get("steps", [])]
    stored = [(step["path"], step["status"], step["attempt"]) for step in life.steps]
    if (life.shown.get("status"), shown) != (life.row["status"], stored):
        yield f"{life.shown.get('status')} {shown}, not {life.row['status']} {stored}"


def a_cancel_is_true(life: Life) -> Iterator[str]:
    answers = [cancel.answer for cancel in life.cancels]
    if answers.count(200) > 1:
        yield f"two were told that they ended it: {answers}"
    for cancel in life.cancels:
        if cancel.answer == 200 and "CANCELLED" not in (cancel.status, life.row["status"]):
            yield f"cancelled, and {life.row['status']}"
        if cancel.status == "CANCELLED" != life.row["status"]:
            yield f"it was CANCELLED and became {life.row['status']}"
        if cancel.was_to_land not in (None, cancel.status == "CANCELLED"):
            yield f"{cancel.status} after a fault that leaves it cancelled: {cancel.was_to_land}"
        late = [request.path for request in life.requests if request.at > cancel.at + LATE_SECONDS]
        if cancel.status == "CANCELLED" and late:
            yield f"steps {late} were performed after it"


def no_wait_ends_early(life: Life) -> Iterator[str]:
    for step in life.steps:
        if step["action_type"] != "wait" or step["status"] != "success":
            continue
        until = datetime.fromisoformat(step["output"]["until"])
        if step["completed_at"] < until - CLOCK:
            yield f"step {step['path']} was to wait until {until}, and ended at {step['completed_at']}"


def attempts_are_within_the_policy(life: Life) -> Iterator[str]:
    for step in life.steps:
        action = life.actions[int(step["path"])]
        most = action.retry_config.max_retries + 1 if action.on_error is OnError.RETRY else 1
        if step["attempt"] > most:
            yield f"step {step['path']} had {step['attempt']} of {most} attempts"
        for failed, begun_at in _followed(step):
            delay = timedelta(milliseconds=delay_ms(action.retry_config, failed["attempt"], lambda: 0.0))
            if begun_at < datetime.fromisoformat(failed["completedAt"]) + delay - 2 * CLOCK:
                yield f"step {step['path']}: {begun_at} is too early after {failed}"


def _followed(step: Row) -> Iterator[tuple[Row, datetime]]:
    """Each failed attempt, and when the next one began."""
    attempts = step["attempts"] or []
    begun = [*(datetime.fromisoformat(attempt["startedAt"]) for attempt in attempts), step["attempt_started_at"]]
    for attempt, next_begun in zip(attempts, begun[1:], strict=True):
        if attempt["error"]["code"] != "INTERRUPTED":
            yield attempt, next_begun


def effects_are_those_recorded(life: Life) -> Iterator[str]:
    """As many as attempts came to their end; at most one more for each that was cut off."""
    asked = Counter(request.path for request in life.requests)
    for step in life.steps:
        came, made = asked.pop(step["path"], 0), attempts_made(step) if step["action_type"] == "call_api" else 0
        may = interruptions(step) + (step["status"] == "cancelled") if step["action_type"] == "call_api" else 0
        if not made <= came <= made + may:
            yield f"step {step['path']} had {came} effects for {made} attempts and {may} that were cut off"
    if asked:
        yield f"steps {sorted(asked)} had effects, and no record"
    order = [int(request.path) for request in life.requests]
    if order != sorted(order):
        yield f"effects in the order {order}"


def a_fault_cuts_off_one_attempt(history: History) -> Iterator[str]:
    cut_off = sum(interruptions(step) for life in history.lives for step in life.steps)
    if cut_off > history.fired:
        yield f"{cut_off} attempts were cut off by {history.fired} faults"


def a_transactional_step_happens_once(life: Life) -> Iterator[str]:
    recorded = [
        step["path"] for step in life.steps if step["action_type"] == "create_task" and step["status"] == "success"
    ]
    if sorted(life.tasks) != recorded:
        yield f"tasks of steps {sorted(life.tasks)}, recorded {recorded}"


def the_counters_say_what_the_rows_say(history: History) -> Iterator[str]:
    for kept, counted in history.counters:
        if kept != counted:
            yield f"{kept}, not {counted}"


def workspaces_are_apart(history: History) -> Iterator[str]:
    if not set(history.strangers) <= {403, 404}:
        yield f"strangers were answered {history.strangers}"
    before, after = history.bystanders
    if before != after:
        yield "rows of a workspace that nobody touched have changed"


def nothing_leaks(history: History) -> Iterator[str]:
    for name, (first, now) in history.held.items():
        if now.is_more_than(first) or now.threads < first.threads:
            yield f"{name} holds {now} at rest, and held {first}"


INVARIANTS: dict[str, Invariant] = {
    "every fault fired": every_fault_fired,
    "not lost": nothing_is_lost,
    "an end is final": _each(an_end_is_final),
    "ends as undisturbed": _each(it_ends_as_undisturbed),
    "recorded once": _each(a_step_is_recorded_once),
    "in order": _each(steps_are_in_order),
    "stream = log": _each(the_stream_is_the_log),
    "API = rows": _each(the_api_says_what_the_rows_say),
    "a cancel is true": _each(a_cancel_is_true),
    "no wait ends early": _each(no_wait_ends_early),
    "within the retry policy": _each(attempts_are_within_the_policy),
    "effects as recorded": _each(effects_are_those_recorded),
    "one attempt a fault": a_fault_cuts_off_one_attempt,
    "transactional once": _each(a_transactional_step_happens_once),
    "counters = rows": the_counters_say_what_the_rows_say,
    "apart": workspaces_are_apart,
    "no leak": nothing_leaks,
}
