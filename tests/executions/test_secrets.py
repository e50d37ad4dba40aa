"""A secret reaches the service that it is for, and nothing else: not what is recorded, shown, streamed or logged."""

import base64
import json
import logging
import math
import threading
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.logs import formatter
from executions import services
from executions.engine import faults, journal, runner
from executions.engine.journal import Claim
from executions.models import Execution, Step
from executions.representation import step_json
from executions.stream import reading
from executions.stream.events import events_of
from tests.executions import handlers
from tests.executions.scenes import started, statuses, steps
from tests.factories import WorkflowFactory, definition
from tests.workflows.call_api.conftest import Serve, serve, servers  # noqa: F401 (fixtures)
from tests.workflows.http_server import Exchange
from workflows.actions.context import ActionContext, ActionError
from workflows.actions.registry import ActionConfig, action
from workflows.documents import Json
from workspaces import secrets
from workspaces.masking import MASK
from workspaces.models import Secret, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

VALUE = "p@ss/w\"o'rd é+x\\1 <&>"
TELLING = "sk-4f0a81c2d9e7"
QUICK_RETRY: Json = {"maxRetries": 1, "delayMs": 1, "jitter": False}


class LeakConfig(ActionConfig):
    key: str
    how: str = "return"


class Quoting(Exception):
    """Says what it was given in the way that its traceback shows it."""


@action("test_leak", config=LeakConfig)
def leak(config: LeakConfig, context: ActionContext) -> Any:
    """Does with a key what it shouldn't."""
    handlers.seen.append(context)
    context.log(f"using {config.key!r}")
    logging.getLogger("workflows.leak").warning("using %r", config.key, extra={"key": config.key})
    match config.how:
        case "raise":
            raise Quoting(f"refused {config.key} and {quote(config.key)}")
        case "fail":
            raise ActionError("REFUSED", f"refused {config.key}", details={config.key: [config.key]})
        case "remove":
            Secret.objects.all().delete()
            raise ActionError("REMOVED")
        case "key":
            return {config.key: math.inf}
        case "details":
            raise ActionError("REFUSED", details={config.key: math.inf})
        case "thread":
            thread = threading.Thread(target=context.log, args=[f"{'x' * (2_000 - 8)}{config.key}"])
            thread.start()
            thread.join()
        case "cut":
            raise ActionError("REFUSED", f"{'x' * (2_000 - 8)}{config.key}")
    return {"key": config.key, "header": f"Basic {base64.b64encode(f'ada:{config.key}'.encode()).decode()}"}


class Crash(Exception):
    """Where its process would die."""


def crash() -> None:
    raise Crash


def claim_of(execution: Execution) -> Claim:
    claim = journal.claim(execution.pk)
    assert claim
    return claim


def echoing(exchange: Exchange) -> None:
    """Says back all that it was told, in several spellings."""
    received = exchange.answering.state.received[-1]
    told = [*received.headers.values(), received.path, received.body.decode()]
    body = {"told": told, "base64": base64.b64encode("\n".join(told).encode()).decode()}
    status = 500 if "fails" in received.path and len(exchange.answering.state.received) == 1 else 200
    headers = {"Content-Type": "application/json", "X-Echo": quote(received.headers.get("x-key", ""))}
    exchange.reply(status, json.dumps(body).encode(), headers)


def put(workspace: Workspace, name: str = "KEY", value: str = VALUE) -> None:
    secrets.put(workspace=workspace, name=name, value=value)


def ran(*actions: Json, trigger: Json = None, value: str = VALUE, **fields: Json) -> Execution:
    workflow = WorkflowFactory.create(definition=definition(*actions, **fields))
    put(workflow.workspace, value=value)
    return services.run(execution=services.start(workflow=workflow, trigger_data=trigger))


def recorded(execution: Execution) -> str:
    """All that is kept of an execution, as text."""
    rows = [*Step.objects.filter(execution=execution).values(), *Execution.objects.filter(pk=execution.pk).values()]
    return json.dumps(rows, default=str, ensure_ascii=False)


def check_unsaid(text: str, value: str = VALUE) -> None:
    encoded = base64.b64encode(value.encode()).decode()
    for spelling in (value, json.dumps(value)[1:-1], repr(value)[1:-1], quote(value), quote(value, ""), encoded[:12]):
        assert spelling not in text


def test_it_reaches_the_service_and_no_record(serve: Serve) -> None:  # noqa: F811 (the fixture)
    server = serve(echoing)
    call: Json = {
        "url": f"{server.url}/orders",
        "method": "POST",
        "query": {"key": "{{ secrets.KEY }}"},
        "json": {"token": "{{ secrets.KEY }}", "text": "it is {{ secrets.KEY }}!"},
        "auth": {"type": "basic", "username": "ada", "password": "{{ secrets.KEY }}"},
    }

    execution = ran(
        {"id": "call", "type": "call_api", "config": call},
        {"type": "test_echo", "config": {"value": "{{ steps.call.output }}"}},
    )

    assert execution.status == "COMPLETED"
    (received,) = server.received
    assert json.loads(received.body) == {"token": VALUE, "text": f"it is {VALUE}!"}
    assert parse_qs(received.path.split("?")[1]) == {"key": [VALUE]}
    assert received.headers["authorization"] == f"Basic {base64.b64encode(f'ada:{VALUE}'.encode()).decode()}"
    step = steps(execution)[0]
    assert step.input["json"] == {"token": "***", "text": "it is ***!"}
    assert "***" in json.dumps(step.output)
    check_unsaid(recorded(execution))


TOKEN = "S3cr3tT0kenOfTheHook"
HOOKS = {
    "with a query": "{url}/hooks/1124/TOKEN?wait=true",
    "with a query alone": "{url}?token=TOKEN",
    "in capitals": "HTTP://{authority}/TOKEN",
    "not in order": "{url}/a/../TOKEN",
    "of odd characters": "{url}/{{a}}|TOKEN^?x=[1]",
}


@pytest.mark.parametrize("status", [200, 404, 302])
@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS)
def test_a_url_that_is_one_is_shown_in_no_form(serve: Serve, hook: str, status: int) -> None:  # noqa: F811 (the fixture)
    def answer(exchange: Exchange) -> None:
        first, *more = exchange.answering.state.received
        headers = {"Location": f"/moved{first.path}"} if status == 302 and not more else {}
        exchange.reply(200 if more else status, b"{}", headers)

    server = serve(answer)
    value = hook.format(url=server.url, authority=server.authority).replace("TOKEN", TOKEN)

    execution = ran({"type": "call_api", "config": {"url": "{{ secrets.KEY }}"}}, value=value)

    assert TOKEN in server.received[0].path
    assert TOKEN not in recorded(execution)
    (step,) = steps(execution)
    assert MASK in (step.output["url"] if step.output else step.error["message"])


@pytest.mark.parametrize("between", ["?", "#"])
def test_one_that_splits_the_url_it_is_in_is_masked_whole(serve: Serve, between: str) -> None:  # noqa: F811 (the fixture)
    server = serve(lambda exchange: exchange.reply(404, b""))
    config: Json = {"url": f"{server.url}/bot{{{{ secrets.KEY }}}}/send"}

    execution = ran({"type": "call_api", "config": config}, value=f"Xk29fjQ8vLm3ab{between}rest")

    assert steps(execution)[0].error["message"] == f"GET {server.url}/bot***/send answered 404."
    assert "Xk29" not in recorded(execution)


@pytest.mark.parametrize("value", ["Xk29fjQ8vLm3ab/rest", "Xk29fjQ8vLm3ab#rest", "Xk29fjQ8vLm3ab:#rest/[x]"])
@pytest.mark.parametrize("user", ["ada:{{ secrets.KEY }}", "{{ secrets.KEY }}"])
def test_a_password_in_a_url_is_refused_unsaid(user: str, value: str) -> None:
    execution = ran({"type": "call_api", "config": {"url": f"https://{user}@shop.example/orders"}}, value=value)

    assert steps(execution)[0].error["code"] in {"INVALID_URL", "INVALID_CONFIG"}
    assert "xk29" not in recorded(execution).lower()


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", ""])
def test_what_is_kept_in_base64_is_masked_before(serve: Serve, kind: str) -> None:  # noqa: F811 (the fixture)
    def echo(exchange: Exchange) -> None:
        key = exchange.answering.state.received[-1].headers["x-key"]
        body = f"key={quote(key, '')}" if kind else json.dumps({"key": key})
        exchange.reply(200, body.encode() + b"\xff", {"Content-Type": kind} if kind else {})

    value = 'aB3/"Yz+9Q==mK7'
    config: Json = {"url": serve(echo).url, "headers": {"X-Key": "{{ secrets.KEY }}"}}

    execution = ran({"type": "call_api", "config": config}, value=value)

    body = base64.b64decode(steps(execution)[0].output["body"]["base64"])
    assert body == (b"key=***\xff" if kind else b'{"key": "***"}\xff')


@pytest.mark.parametrize("how", ["key", "details"])
def test_a_long_key_is_masked_before_it_is_cut(how: str) -> None:
    value = "eyJhbGciOiJIUzI1NiJ9." + "Q7x" * 60

    execution = ran({"type": "test_leak", "config": {"key": "{{ secrets.KEY }}", "how": how}}, value=value)

    error = json.dumps(steps(execution)[0].error)
    assert MASK in error
    assert "eyJh" not in error


def test_a_thread_of_the_handler_masks_what_it_logs() -> None:
    execution = ran({"type": "test_leak", "config": {"key": "{{ secrets.KEY }}", "how": "thread"}}, value=TELLING)

    assert TELLING[:6] not in json.dumps(steps(execution)[0].log)


def test_a_secret_may_be_called_as_we_call_what_we_record() -> None:
    execution = ran({"type": "test_leak", "config": {"key": "{{ secrets.KEY }}", "how": "raise"}}, value="traceback")

    assert (execution.status, steps(execution)[0].error["code"]) == ("FAILED", "HANDLER_ERROR")


def test_no_page_and_no_stream_shows_it(admin_client: Client) -> None:
    execution = ran({"type": "test_leak", "config": {"key": "{{ secrets.KEY }}"}}, value=TELLING)

    streamed = events_of(reading.read(execution.pk, 0)).decode()
    page = admin_client.get(reverse("admin:executions_execution_change", args=[execution.pk])).content.decode()
    for text in (streamed, page):
        assert "***" in text
        check_unsaid(text, TELLING)


def test_each_try_is_given_it_anew(serve: Serve) -> None:  # noqa: F811 (the fixture)
    server = serve(echoing)
    call: Json = {"url": f"{server.url}/fails", "headers": {"X-Key": "{{ secrets.KEY }}"}}

    execution = ran({"type": "call_api", "config": call, "onError": "retry", "retryConfig": QUICK_RETRY}, value=TELLING)

    assert execution.status == "COMPLETED"
    assert [request.headers["x-key"] for request in server.received] == [TELLING, TELLING]
    assert steps(execution)[0].attempts
    check_unsaid(recorded(execution), TELLING)


@pytest.mark.parametrize("how", ["return", "raise", "fail", "cut"])
def test_an_isolated_handler_that_leaks_it_is_masked(how: str, settings: LazySettings) -> None:
    settings.ISOLATED_ACTIONS = frozenset({"test_leak"})
    config: Json = {"key": "{{ secrets.KEY }}", "how": how}

    execution = ran({"type": "test_leak", "config": config})

    (step,) = steps(execution)
    assert not handlers.seen, "it is called elsewhere"
    assert "***" in json.dumps([step.output, step.error])
    assert "***" in json.dumps(step.log)
    check_unsaid(recorded(execution))
    assert VALUE[:6] not in recorded(execution)


@pytest.mark.parametrize("how", ["return", "raise", "fail", "cut"])
def test_a_handler_that_leaks_it_is_masked(how: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.setFormatter(formatter("json"))
    config: Json = {"key": "{{ secrets.KEY }}", "how": how}

    execution = ran({"type": "test_leak", "config": config, "onError": "retry", "retryConfig": QUICK_RETRY})

    (step,) = steps(execution)
    assert "***" in json.dumps([step.output, step.error, step.attempts])
    assert "***" in json.dumps(step.log)
    check_unsaid(recorded(execution))
    check_unsaid(json.dumps(step_json(step), default=str, ensure_ascii=False))
    assert VALUE[:6] not in recorded(execution)
    check_unsaid(caplog.handler.stream.getvalue())
    assert "***" in caplog.handler.stream.getvalue()


def test_what_later_steps_see_of_it_is_masked() -> None:
    execution = ran(
        {"id": "leak", "type": "test_leak", "config": {"key": "{{ secrets.KEY }}"}},
        {"type": "create_task", "config": {"title": "{{ steps.leak.output.key }}"}},
    )

    assert execution.status == "COMPLETED"
    assert steps(execution)[1].input == {"title": "***"}
    assert handlers.seen[0].scope.keys() == {"trigger", "variables", "execution", "workflow", "steps", "step"}


def test_text_that_only_looks_like_one_is_sent_as_it_is_and_recorded_masked() -> None:
    execution = ran(
        {"id": "leak", "type": "test_leak", "config": {"key": "{{ secrets.KEY }}"}},
        {"type": "test_echo", "config": {"value": "the word is production"}},
        value="production",
    )

    step = steps(execution)[1]
    assert (step.input, step.output) == ({"value": "the word is ***"}, "the word is ***")


def test_data_that_says_its_name_is_given_no_secret() -> None:
    execution = ran({"type": "test_echo", "config": {"value": "{{ trigger.a }}"}}, trigger={"a": "{{ secrets.KEY }}"})

    assert steps(execution)[0].output == "{{ secrets.KEY }}"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_missing_one_fails_the_step_with_the_mend(*, dry_run: bool) -> None:
    missing: Json = {"type": "test_leak", "config": {"key": "{{ secrets.NONE }}"}}

    execution = services.run(execution=started(missing, dry_run=dry_run))

    assert execution.status == "FAILED"
    error = steps(execution)[0].error
    assert error["code"] == "INVALID_EXPRESSION"
    assert error["message"].startswith("config.key: the workspace has no secret 'NONE'; set it there")
    assert handlers.seen == []


def test_one_of_another_workspace_is_missing() -> None:
    execution = started({"type": "test_leak", "config": {"key": "{{ secrets.KEY }}"}})
    put(WorkflowFactory.create().workspace)

    assert services.run(execution=execution).status == "FAILED"
    assert handlers.seen == []


def test_one_that_cannot_be_decrypted_fails_the_steps_that_need_it() -> None:
    execution = started(
        {"type": "test_leak", "config": {"key": "{{ secrets.BROKEN }}"}, "onError": "continue"},
        {"type": "test_leak", "config": {"key": "{{ secrets.KEY }}"}},
    )
    put(execution.workspace)
    Secret.objects.create(workspace=execution.workspace, name="BROKEN", sealed="gAAAA")

    assert services.run(execution=execution).status == "COMPLETED"
    assert statuses(execution) == ["failed", "success"]
    assert steps(execution)[0].error["code"] == "SECRET_UNREADABLE"


@pytest.mark.parametrize("delay_ms", [0, 20], ids=["at once", "after a pause"])
def test_one_that_is_removed_between_two_tries_fails_the_step(delay_ms: int) -> None:
    config: Json = {"key": "{{ secrets.KEY }}", "how": "remove"}
    retry: Json = {"maxRetries": 1, "delayMs": delay_ms, "jitter": False}
    execution = ran({"type": "test_leak", "config": config, "onError": "retry", "retryConfig": retry})

    assert (execution.status, len(handlers.seen)) == ("FAILED", 1)
    assert "has no secret 'KEY'" in steps(execution)[0].error["message"]


def test_after_a_crash_it_is_given_again_and_recorded_nowhere(serve: Serve) -> None:  # noqa: F811 (the fixture)
    server = serve(echoing)
    execution = started({"type": "call_api", "config": {"url": server.url, "headers": {"X-Key": "{{ secrets.KEY }}"}}})
    put(execution.workspace, value=TELLING)
    faults.arm("effect.after", crash)
    try:
        with pytest.raises(Crash):
            runner.run(claim_of(execution))
    finally:
        faults.disarm()
    check_unsaid(recorded(execution), TELLING)
    Execution.objects.filter(pk=execution.pk).update(wake_at=F("created_at"))

    assert services.run(execution=execution).status == "COMPLETED"
    assert [request.headers["x-key"] for request in server.received] == [TELLING, TELLING]
    check_unsaid(recorded(execution), TELLING)


def test_a_dry_run_shows_it_masked() -> None:
    auth: Json = {"type": "bearer", "token": "{{ secrets.KEY }}"}
    config: Json = {"url": "http://127.0.0.1:1/", "auth": auth, "body": "{{ secrets.KEY }}"}
    execution = started({"type": "call_api", "config": config}, dry_run=True)
    put(execution.workspace, value=TELLING)

    ended = services.run(execution=execution)

    assert ended.status == "COMPLETED"
    request = steps(ended)[0].output["wouldSend"]["request"]
    assert (request["body"], request["headers"]["Authorization"]) == ("***", "***")
    check_unsaid(recorded(ended), TELLING)


def test_a_definition_without_secrets_asks_for_none() -> None:
    execution = started({"type": "test_echo"})

    with CaptureQueriesContext(connection) as asked:
        services.run(execution=execution)

    assert not [query for query in asked.captured_queries if "workspaces_secret" in query["sql"]]


def test_nobody_finds_one_out_bit_by_bit() -> None:
    """What he sends is shown as it is, unless it is the whole of it."""
    guesses: list[Json] = [TELLING[:length] for length in range(1, len(TELLING) + 1)]
    actions: list[Json] = [
        {"type": "test_leak", "config": {"key": "{{ secrets.KEY }}"}},
        {"type": "test_echo", "config": {"value": "{{ trigger }}"}},
    ]

    execution = ran(*actions, trigger=guesses, value=TELLING)

    assert steps(execution)[1].input == {"value": [*guesses[:-1], "***"]}
