"""What handlers return and raise: each step ends as it is said, and the next one begins."""

import json
import logging
from pathlib import Path

import pytest
from django.db import connection

from executions import services
from executions.engine import performer
from executions.representation import execution_json
from tests.executions.misbehaving import actions, odd
from tests.executions.programs.children import eventually
from tests.executions.scenes import ran, started, statuses, steps
from workflows.documents import Json

pytestmark = pytest.mark.django_db(transaction=True)

CODES = {"awkward": "HANDLER_ERROR", "logs for ever": "HANDLER_ERROR"}


def _odd(kind: str, how: str) -> dict[str, Json]:
    return {"type": kind, "config": {"how": how}, "onError": "continue"}


@pytest.mark.parametrize("kind", ["test_odd", "test_odd_inside", "test_odd_apart"])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_it_keeps_what_can_be_kept_and_says_what_cannot(kind: str) -> None:
    execution = ran(*[_odd(kind, how) for how in odd.HOW], {"type": "test_echo", "config": {"value": "last"}})

    ended = dict(zip(odd.HOW, steps(execution), strict=False))
    assert execution.status == "COMPLETED"
    assert statuses(execution)[-1] == "success", "whatever came before it"
    assert {how: ended[how].error["code"] for how in odd.INVALID} == dict.fromkeys(odd.INVALID, "INVALID_OUTPUT")
    assert {how: ended[how].output for how in odd.FINE} == odd.FINE
    for how in set(odd.HOW) - {*odd.INVALID, *odd.FINE, "liar", "logs for ever"}:
        assert ended[how].error["code"] in {"HANDLER_ERROR", "C\\x00" * 1_000}, how
    assert len(json.dumps(execution_json(execution, tracebacks=True))) < 100_000, "of large ones a part is kept"


def test_what_is_recorded_is_what_was_checked() -> None:
    """A dictionary that is another one at each look is looked at twice at most: by the check, and by the copy."""
    execution = ran(
        _odd("test_odd", "liar"), {"type": "test_echo", "config": {"value": "{{ steps['action-1'].output }}"}}
    )

    first, second = steps(execution)
    assert first.output == second.output == {"look": 2, "junk": 0}


def test_a_handler_changes_nothing_but_its_own() -> None:
    trigger: Json = {"list": ["given"]}
    execution = ran(
        {"id": "first", "type": "test_echo", "config": {"value": {"list": ["recorded"]}}},
        {"type": "test_change_all", "config": {"how": "", "value": {"mine": []}}},
        {"type": "test_echo", "config": {"value": ["{{ trigger.list }}", "{{ steps.first.output.list }}"]}},
        trigger=trigger,
    )

    assert statuses(execution) == ["success"] * 3
    assert steps(execution)[1].input["value"] == {"mine": []}
    assert steps(execution)[2].output == [["given"], ["recorded"]]


def test_what_a_handler_leaves_in_its_connection_it_leaves_to_nobody() -> None:
    step: Json = {"type": "test_leave_open", "config": {"how": ""}}
    execution = ran(*[step] * 3, {"type": "test_task"})

    assert [each.output for each in steps(execution)] == [False, False, False, "made"]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711")
            assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(("how", "expected"), [("close", "failed"), ("break", "failed"), ("roll back", "success")])
def test_a_transactional_handler_that_spoils_its_transaction_harms_no_other(how: str, expected: str) -> None:
    execution = started({"type": "test_spoil", "config": {"how": how}, "onError": "continue"}, {"type": "test_task"})

    services.run(execution=execution)

    assert (execution.status, statuses(execution)) == ("COMPLETED", [expected, "success"])
    assert execution.claims == 0


@pytest.mark.parametrize("kind", ["test_stay", "test_stay_async"])
def test_one_that_computes_past_its_time_is_stopped(kind: str) -> None:
    stay: Json = {"type": kind, "config": {"how": "spin", "seconds": 60}, "timeout": 20, "onError": "continue"}

    execution = ran(stay, {"type": "test_echo"})

    assert statuses(execution) == ["failed", "success"]
    if kind == "test_stay":
        eventually(lambda: not performer._left, seconds=5)
    else:
        assert performer._left, "it swallows whatever comes"


def test_of_one_kind_that_hangs_no_more_than_so_many_are_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performer, "MAX_LEFT_BEHIND", 2)
    stay: Json = {"type": "test_stay", "config": {"how": "sleep"}, "timeout": 20, "onError": "continue"}

    execution = ran(*[stay] * 4, {"type": "test_echo"})
    actions.gate.set()

    codes = [(step.error or {}).get("code") for step in steps(execution)]
    assert codes == ["TIMEOUT", "TIMEOUT", "LEFT_BEHIND", "LEFT_BEHIND", None]


def test_one_that_logs_without_end_is_stopped_and_leaves_the_log_to_others(tmp_path: Path) -> None:
    """Logging handles what is raised within it, and on Python 3.12 may keep its lock then."""
    handler, logger = logging.FileHandler(tmp_path / "log"), logging.getLogger("misbehaving")
    logger.addHandler(handler)
    logger.setLevel("INFO")
    logger.propagate = False
    stay: Json = {"type": "test_stay", "config": {"how": "log", "seconds": 60}, "timeout": 20, "onError": "continue"}
    try:
        ran(*[stay] * 4)
        eventually(lambda: not [call for call in performer._left if call.action == "test_stay"], seconds=20)
        assert handler.lock is not None
        assert handler.lock.acquire(timeout=5)
        handler.lock.release()
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
        logger.setLevel("NOTSET")
        handler.createLock()  # to close it also where it was lost
        handler.close()
