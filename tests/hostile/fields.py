"""Every place where the API takes a text of a client's, read from its own schema: a new one is found by itself."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from drf_spectacular.generators import SchemaGenerator

from tests.api.clients import Answer, Api
from tests.api.house import House
from tests.api.routes import address
from workflows.actions import registry
from workflows.documents import Json

HERE = "here"
METHODS = ("get", "post", "put", "patch", "delete")
# Whole and valid, so that what is refused is the text that takes a part's place.
CONFIGS: dict[str, dict[str, Json]] = {
    "call_api": {"url": "https://example.org/"},
    "condition": {"field": "trigger.a", "operator": "equals", "value": 1},
    "create_task": {"title": "Call"},
    "send_notification": {"recipient": "ada@example.org", "message": "Done"},
    "wait": {"durationMs": 0},
}
CONDITIONS: list[tuple[str, Callable[[str], Json]]] = [
    ("expression", lambda text: [text]),
    ("field", lambda text: {"field": text, "operator": "exists"}),
    ("operator", lambda text: {"field": "trigger.a", "operator": text, "value": 1}),
    ("value", lambda text: {"field": "trigger.a", "operator": "equals", "value": text}),
    ("pattern", lambda text: {"field": "trigger.a", "operator": "matches", "value": text}),
    ("name", lambda text: {text: []}),
]
AUTHS: list[tuple[str, Callable[[str], Json]]] = [
    ("username", lambda text: {"type": "basic", "username": text, "password": "x"}),
    ("password", lambda text: {"type": "basic", "username": "x", "password": text}),
    ("token", lambda text: {"type": "bearer", "token": text}),
    ("name", lambda text: {"type": "header", "name": text, "value": "x"}),
    ("value", lambda text: {"type": "header", "name": "X-A", "value": text}),
]
VALUES: dict[str, Callable[[str], Json]] = {
    "text": lambda text: text,
    "item": lambda text: [text],
    "key": lambda text: {text: "a"},
    "value": lambda text: {"a": text},
}


@dataclass(frozen=True, slots=True)
class Field:
    """`place`: path, query, header or the way in the body; `body` makes the whole body around a text."""

    method: str
    path: str
    place: str
    name: str
    body: Callable[[str], Json] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path} {self.place} {self.name}"

    def address(self, house: House) -> str:
        """Its path with a row of the house behind each of the names in it, but not behind the field itself."""
        route = self.path.removeprefix("/api/").replace("{workspace}", "<str:workspace>").replace("{id}", "<str:id>")
        filled = address(route, house, id=HERE if self.name == "id" else None)
        filled = filled.replace("{name}", HERE if (self.place, self.name) == ("path", "name") else "SOME_NAME")
        return filled.replace(house.slug, HERE, 1) if self.name == "workspace" else filled

    def ask(self, api: Api, address: str, text: str) -> Answer:
        """With the text in its place; the rest is as it should be."""
        path = address.replace(HERE, _quoted(text))
        if self.place == "query":
            path += f"?{self.name}={_quoted(text)}"
        headers = {self.name: _as_sent(text)} if self.place == "header" else {}
        return api.ask(self.method.upper(), path, self.body(text), **headers)


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _as_sent(text: str) -> str:
    """A header's value as a server hands it on: bytes, read as Latin-1."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def fields() -> list[Field]:
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return [
        each
        for path, operations in schema["paths"].items()
        for method in METHODS
        if method in operations
        for each in _of(path, method, operations[method], schema["components"]["schemas"])
    ]


def _of(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Field]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    base = _base(content) if content else None
    for parameter in operation.get("parameters", []):
        yield Field(method, path, parameter["in"], parameter["name"], lambda _: base)
    if content:
        schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
        for name, part in schema["properties"].items():
            for place in _places(part):
                yield Field(method, path, "body", f"{name} as {place}", _put(base, name, VALUES[place]))
        if "actions" in schema.get("required", ()):
            yield from _of_actions(path, method, base)


def _base(content: dict[str, Any]) -> Json:
    examples = list(content.get("examples", {}).values())
    base: Json = deepcopy(examples[0]["value"]) if examples else {}
    return base


def _put(base: Json, name: str, value: Callable[[str], Json]) -> Callable[[str], Json]:
    return lambda text: {**(base if isinstance(base, dict) else {}), name: value(text)}


def _places(part: dict[str, Any]) -> list[str]:
    """Where in a part of this schema a text may stand."""
    if "$ref" in part or "enum" in part:
        return ["text"]
    kinds = str([part.get("type"), *(each.get("type") for each in part.get("anyOf", ()))])
    if kinds == "[None]":
        return [*VALUES]
    return ["text", *["item"] * ("array" in kinds), *["key", "value"] * ("object" in kinds)]


def _in(name: str, value: Callable[[str], Json]) -> Callable[[str], dict[str, Json]]:
    return lambda text: {name: value(text)}


def _config(kind: str, name: str, value: Callable[[str], Json]) -> Callable[[str], dict[str, Json]]:
    return lambda text: {"config": {**CONFIGS[kind], name: value(text)}}


def _of_actions(path: str, method: str, base: Json) -> Iterator[Field]:
    """The parts of an action; those of each type's config; and what lies deeper in these."""

    def action(name: str, kind: str, make: Callable[[str], dict[str, Json]]) -> Field:
        def actions(text: str) -> Json:
            return [{"type": kind, "config": CONFIGS[kind], **make(text)}]

        return Field(method, path, "body", f"actions: {name}", _put(base, "actions", actions))

    for part in ("id", "name", "type", "onError", "timeout", "conditions", "retryConfig"):
        yield action(part, "wait", _in(part, VALUES["text"]))
    for name, condition in CONDITIONS:
        yield action(f"conditions' {name}", "wait", _in("conditions", condition))
    for kind in sorted(set(registry.ACTIONS) & set(CONFIGS)):
        for name, part in registry.find(kind).config.model_json_schema()["properties"].items():
            for place in _places(part):
                yield action(f"{kind}'s {name} as {place}", kind, _config(kind, name, VALUES[place]))
    for name, auth in AUTHS:
        yield action(f"call_api's auth {name}", "call_api", _config("call_api", "auth", auth))
