"""The registry: how an app's handlers get into it, and what it refuses."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import Settings

from tests.executions.scenes import ran, steps
from tests.workflows.conftest import House
from workflows.actions.context import ActionCancelled, ActionContext, ActionError, Pause, Steer
from workflows.actions.registry import ACTIONS, ActionConfig, Moment, UnknownAction, action, find
from workflows.documents import Json

APP = "tests.workflows.greetings"


class NoConfig(ActionConfig):
    pass


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What a test registers is gone behind it."""
    before = dict(ACTIONS)
    yield ACTIONS
    ACTIONS.clear()
    ACTIONS.update(before)


@pytest.mark.django_db(transaction=True)
def test_the_handlers_of_an_installed_app_are_found_and_run(settings: Settings) -> None:
    assert "greet" not in ACTIONS

    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, APP]
    execution = ran(
        {"id": "now", "type": "greet", "config": {"firstName": "{{ trigger.name }}"}},
        {"type": "greet_later", "config": {"firstName": "{{ steps.now.output.greeting }}"}},
        trigger={"name": "Ada"},
    )

    now, later = steps(execution)
    assert (now.output, later.output) == ({"greeting": "Hello Ada"}, {"greeting": "Good evening Hello Ada"})
    assert [line["message"] for line in now.log] == ["greeting Ada"]


def test_a_type_describes_itself() -> None:
    @action("registry_test", config=NoConfig)
    def handler(config: NoConfig, context: ActionContext) -> Json:
        """Does nothing."""
        return None

    action_type = find("registry_test")
    assert (action_type.description, action_type.handler) == ("Does nothing.", handler)
    assert action_type.json_schema()["title"] == "registry_test"


def test_a_name_is_registered_once_also_within_a_module() -> None:
    def first(config: NoConfig, context: ActionContext) -> None: ...

    def second(config: NoConfig, context: ActionContext) -> None: ...

    action("registry_test", config=NoConfig)(first)
    with pytest.raises(ValueError, match=r"registered by .*first; choose another name"):
        action("registry_test", config=NoConfig)(second)
    with pytest.raises(ValueError, match=r"'wait' is registered by workflows\.actions\.wait\.wait"):
        action("wait", config=NoConfig)(second)

    assert find("registry_test").handler is first


def test_a_module_that_is_loaded_again_registers_again() -> None:
    def make() -> Any:
        @action("registry_test", config=NoConfig)
        def handler(config: NoConfig, context: ActionContext) -> None: ...

        return handler

    first, second = make(), make()

    assert find("registry_test").handler is second is not first


def test_a_transactional_handler_is_not_async() -> None:
    async def handler(config: NoConfig, context: ActionContext) -> None: ...

    with pytest.raises(ValueError, match="can't be async"):
        action("registry_test", config=NoConfig, transactional=True)(handler)
    assert "registry_test" not in ACTIONS


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_name_has_a_length_that_can_be_stored(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 characters"):
        action(name, config=NoConfig)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UnknownAction):
        find("registry_test")


class MomentConfig(ActionConfig):
    at: Moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01 12:00:00.5-01:00", datetime(2026, 3, 1, 13, 0, 0, 500_000, UTC)),
    ],
)
def test_a_moment_is_read_into_utc(text: str, moment: datetime) -> None:
    at = MomentConfig.model_validate({"at": text}).at

    assert (at, at.tzinfo) == (moment, UTC)


def test_a_moment_is_a_date_time_in_the_schema() -> None:
    assert MomentConfig.model_json_schema()["properties"]["at"]["format"] == "date-time"


def test_a_context_keeps_a_hundred_short_lines_as_any_database_can(house: House) -> None:
    context = house.context()

    for line in ("a\x00b", "\ud800", "é", 5, "x" * 3_000, *range(200)):
        context.log(line)

    messages: list[Any] = [line["message"] for line in context.lines if isinstance(line, dict)]
    assert messages[:4] == ["a\\x00b", "\\ud800", "é", "5"]
    assert (len(messages), len(messages[4])) == (100, 2_000)


def test_a_context_says_how_much_time_is_left_and_when_nobody_waits(house: House) -> None:
    cancelled = threading.Event()
    context = house.context(timeout_ms=60_000, cancelled=cancelled)

    assert 59 < context.remaining() <= 60
    context.check()
    cancelled.set()
    with pytest.raises(ActionCancelled):
        context.check()
    over = house.context(timeout_ms=1, started=context.started - 1)
    assert over.remaining() == 0
    with pytest.raises(ActionCancelled):
        over.check()


def test_a_context_gives_its_scope_and_one_key_for_every_attempt(house: House) -> None:
    scope: dict[str, Json] = {"trigger": {"a": 1}, "variables": {"b": 2}, "steps": {"c": {}}}
    first = house.context(scope=scope, path="4")
    second = house.context(scope=scope, path="4", execution_id=first.execution_id, attempt=2)

    assert (first.trigger, first.variables, first.steps) == ({"a": 1}, {"b": 2}, {"c": {}})
    assert first.idempotency_key == second.idempotency_key == f"{first.execution_id}:4"
    assert house.context().trigger is None


def test_a_pause_needs_an_offset_and_a_steer_a_flow() -> None:
    with pytest.raises(ValueError, match="its offset"):
        Pause(datetime(2026, 1, 1))  # noqa: DTZ001 (it is what is refused)
    with pytest.raises(ValueError, match="give continue, skip_next, stop"):
        Steer(None, "back")  # type: ignore[arg-type]


def test_a_failure_says_its_code_where_it_has_no_message() -> None:
    assert str(ActionError("GONE")) == ActionError("GONE").message == "GONE"
    assert str(ActionError("GONE", "It left.")) == "It left."
