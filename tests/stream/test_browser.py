"""A page with nothing but the browser's own EventSource follows an execution."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from executions.models import Execution
from tests.config.browsers import Tab, tab
from tests.config.processes import ROOT
from tests.config.servers import Server
from tests.executions import handlers
from tests.executions.programs import scene
from tests.factories import MembershipFactory, UserFactory
from tests.stream.conftest import streaming
from tests.stream.scenes import echo, held, is_the_whole_log, started, stream_of
from tests.stream.sse import Event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TIMEOUT_MS = 30_000
FOLLOW = """path => {
    window.seen = [];
    window.source = new EventSource(path);
    for (const kind of ["connected", "step", "progress", "complete"])
        source.addEventListener(kind, event => seen.push([kind, event.lastEventId, JSON.parse(event.data)]));
}"""
HAS_SEEN = "([kind, status]) => seen.some(([seen, _, data]) => seen === kind && data.status === status)"
HAS_STOPPED = "source.readyState === EventSource.CLOSED"


@pytest.fixture
def session() -> tuple[str, str]:
    """The cookie of a member who has signed in."""
    client, user = Client(), UserFactory.create()
    MembershipFactory.create(workspace=scene.workspace(), user=user)
    client.force_login(user)
    return "sessionid", client.cookies["sessionid"].value


def page_of(server: Server) -> str:
    """Any of the same origin."""
    return f"http://127.0.0.1:{server.port}/admin/login/"


def follow(execution: Execution) -> Callable[[Any], None]:
    path = stream_of(execution)
    return lambda page: page.evaluate(FOLLOW, path)


def until(script: str, argument: Any = None) -> Callable[[Any], None]:
    return lambda page: page.wait_for_function(script, arg=argument, timeout=TIMEOUT_MS)


def seen(tab: Tab) -> list[Event]:
    """For what came without an id, EventSource repeats the one before."""
    found = tab.do(lambda page: page.evaluate("seen"))
    return [Event(kind, int(last) if kind in {"step", "complete"} else None, data) for kind, last, data in found]


def test_it_follows_from_the_first_step_to_the_end_and_then_stops_by_itself(
    server: Server, session: tuple[str, str], engine: Any
) -> None:
    execution = started(echo("🪨"), held(), echo(3))
    with tab(page_of(server), session) as page:
        page.do(follow(execution))
        page.do(until(HAS_SEEN, ["step", "running"]))
        handlers.gate.set()
        page.do(until(HAS_SEEN, ["complete", "COMPLETED"]))
        page.do(until(HAS_STOPPED))
        events = seen(page)

    is_the_whole_log(events, execution)
    assert [event.kind for event in events].count("connected") == 1


def test_the_code_of_the_readme_shows_how_it_went(server: Server, session: tuple[str, str], engine: Any) -> None:
    execution = started({"name": "greet", **echo("hello")}, held())
    handlers.gate.set()
    code = of_the_readme()
    with tab(page_of(server), session) as page:
        page.do(lambda page: page.evaluate(code, str(execution.pk)))
        page.do(until(HAS_STOPPED))
        printed = page.do(lambda page: page.evaluate("printed"))

    assert ["greet", "success"] in printed
    assert ["100 %"] in printed
    assert printed[-1] == ["COMPLETED", None]


def of_the_readme() -> str:
    """As a function of the execution's id, that keeps what is printed."""
    readme = (ROOT / "README.md").read_text()
    [code] = [block for block in re.findall(r"```js\n(.*?)```", readme, re.DOTALL) if "new EventSource" in block]
    moved = code.replace("/workspaces/demo/", f"/workspaces/{scene.workspace().slug}/")
    return f"""id => {{
        window.printed = [];
        console.log = (...parts) => printed.push(parts);
        {moved}
        window.source = stream;
    }}"""


def test_it_goes_on_where_it_was_when_the_server_comes_back(session: tuple[str, str], engine: Any) -> None:
    execution = started(echo(1), held(), echo(3))
    with streaming() as first, tab(page_of(first), session) as page:
        page.do(follow(execution))
        page.do(until(HAS_SEEN, ["step", "running"]))
        first.process.kill()
        first.process.wait()
        handlers.gate.set()
        with streaming(f"--port={first.port}"):
            page.do(until(HAS_SEEN, ["complete", "COMPLETED"]))
            page.do(until(HAS_STOPPED))
            events = seen(page)

    is_the_whole_log(events, execution)
    assert [event.kind for event in events].count("connected") == 2
