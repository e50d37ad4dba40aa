"""The places where a client's own JSON goes in, and comes out again."""

from collections.abc import Callable
from typing import Any

from tests.api.clients import Answer
from tests.api.house import House
from workflows.documents import Json


def call(body: Json) -> Json:
    return {"id": "a", "type": "call_api", "config": {"url": "https://example.org", "method": "POST", "body": body}}


def new(**fields: Json) -> dict[str, Json]:
    return {"name": "Theirs", "actions": [{"id": "a", "type": "wait", "config": {"durationMs": 0}}], **fields}


# The path after the workspace's, the body with VALUE in it, and the way to VALUE in what is read afterwards.
VALUE = "<value>"
PLACES: dict[str, tuple[str, dict[str, Json], tuple[str | int, ...]]] = {
    "triggerData": ("execute", {"triggerData": VALUE}, ("execution", "triggerData")),
    "variables": ("execute", {"variables": {"given": VALUE}}, ("execution", "variables", "given")),
    "definition": ("create", new(variables={"given": VALUE}), ("workflow", "variables", "given")),
    "trigger": ("create", new(trigger={"type": "manual", "more": VALUE}), ("workflow", "trigger", "more")),
    "config": ("create", new(actions=[call([VALUE])]), ("workflow", "actions", 0, "config", "body", 0)),
    "metadata": ("create", new(metadata={"given": VALUE}), ("workflow", "metadata", "given")),
    "metadata's change": ("change", {"metadata": {"given": VALUE}}, ("workflow", "metadata", "given")),
    "tags": ("create", new(tags=[VALUE]), ("workflow", "tags", 0)),
}


def send(house: House, place: str, filled: Callable[[Json], Json | bytes]) -> Answer:
    """Sends the body of the place, as `filled` makes it of the one with VALUE in it."""
    verb, body, _ = PLACES[place]
    workflow = f"{house.path}/workflows/{house.workflow.pk}"
    if verb == "change":
        return house.owner.patch(workflow, filled(body))
    return house.owner.post(f"{workflow}/execute" if verb == "execute" else f"{house.path}/workflows", filled(body))


def read_back(house: House, place: str, written: Answer) -> Any:
    """What a reader finds there afterwards; the answer to the writer has said the same."""
    verb, _, way = PLACES[place]
    found = written.json
    kind = "workflows/executions" if verb == "execute" else "workflows"
    read = house.owner.get(f"{house.path}/{kind}/{found[way[0]]['id']}").json
    for part in way:
        found, read = found[part], read[part]
    assert repr(found) == repr(read)
    return read
