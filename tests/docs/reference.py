"""The reference part of `docs/api.md`, from what the OpenAPI document is made of: the views' operations and schemas."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from tests.docs.forms import Schema, form, references, words
from workspaces.access import MAY, SCOPE, Verb
from workspaces.api.base import CallerView, EntryView
from workspaces.api.operations import Operation

EVERYWHERE = {"401", "403", "404", "406", "429", "503"}
"""The refusals that every operation knows, and the page's introduction tells of; 404 where something is in the path."""
PAGING = {"page", "limit"}
TOLD_ELSEWHERE = {"Problem", "Action", "Trigger"}
LEAST_OF_A_BASE = 5


def document() -> Schema:
    """The OpenAPI document."""
    generator: Any = SchemaGenerator()  # type: ignore[no-untyped-call]  # so the library is written
    made: Schema = generator.get_schema(request=None, public=True)
    return made


def operations() -> dict[str, tuple[Operation, bool]]:
    """By its name: what a view can do, and whether that is in a workspace."""
    views = [view for view in _heirs_of(CallerView) if "operations" in vars(view)]
    return {of.name: (of, issubclass(view, EntryView)) for view in views for of in view.operations.values()}


def _heirs_of(view: type[CallerView]) -> Iterator[type[CallerView]]:
    for heir in view.__subclasses__():
        yield heir
        yield from _heirs_of(heir)


def reference() -> str:
    made = document()
    known = operations()
    every = [
        Told(made, method.upper(), path, schema, *known[schema["operationId"].removesuffix("ByDelete")])
        for path, methods in made["paths"].items()
        for method, schema in methods.items()
    ]
    described = {tag["name"]: tag["description"] for tag in made["tags"]}
    assert {each.tag for each in every} == {*described}
    objects = Objects(made)
    lines = [line for tag in described for line in section(tag, [each for each in every if each.tag == tag], objects)]
    return "\n".join(lines)


def section(tag: str, every: list["Told"], objects: "Objects") -> Iterator[str]:
    yield from (f"### {tag.capitalize()}", "")
    yield from ("| operation | what it does | who may | answers | or |", "| --- | --- | --- | --- | --- |")
    yield from (each.row() for each in every)
    yield ""
    above: set[str] = set()
    for name in dict.fromkeys(each.operation.name for each in every):
        same = [each for each in every if each.operation.name == name]
        yield from same[0].details(" · ".join(f"`{each.method} {each.path}`" for each in same), above)
    yield from objects.table([name for each in every for name in each.answered()])


class Told:
    """One operation, as the page tells it."""

    def __init__(
        self,
        made: Schema,
        method: str,
        path: str,
        schema: Schema,
        operation: Operation,
        is_in_workspace: bool,  # noqa: FBT001
    ) -> None:
        self.components = made["components"]["schemas"]
        self.method = method
        self.path = path.removeprefix("/api")
        self.schema = schema
        self.operation = operation
        self.tag: str = schema["tags"][0]
        scope = f"`{SCOPE[operation.verb]}`"
        self.who_may = f"{lowest_role(operation.verb)} · {scope}" if is_in_workspace else scope

    def row(self) -> str:
        cells = (
            f"`{self.method} {self.path}`",
            self.schema["summary"],
            self.who_may,
            self._answers(),
            self._refusals(),
        )
        return f"| {' | '.join(cells)} |"

    def details(self, heading: str, above: set[str]) -> Iterator[str]:
        """Nothing of an operation of which the row says all; `above` are the rows that stood here before."""
        described = self.operation.description  # the document's adds who may, which is in the row
        parameters, body = self._parameters(), self._body()
        if described or parameters or body:
            yield from (f"#### {heading}", "")
            yield from (described, "") if described else ()
            yield from table("parameter", parameters, above)
            yield from table("body", body, above)

    def _parameters(self) -> dict[str, str]:
        found = [each for each in self.schema.get("parameters", ()) if each["in"] != "path"]
        if {each["name"] for each in found} >= PAGING:
            found = [each for each in found if each["name"] not in PAGING]
        return {_named(each): f"{form(each['schema'])} | {words(each)}" for each in found}

    def _body(self) -> dict[str, str]:
        if "requestBody" not in self.schema:
            return {}
        body = self._found(self.schema["requestBody"]["content"]["application/json"]["schema"])
        required = {name: "; required" if name in body.get("required", ()) else "" for name in body["properties"]}
        return {
            f"`{name}`": f"{form(each)}{required[name]} | {words(each)}" for name, each in body["properties"].items()
        }

    def _answers(self) -> str:
        """Status and shape of what it answers with when all is well."""
        shapes: dict[str, list[str]] = {}
        for status, answer in self._good():
            shapes.setdefault(", ".join(self._envelope(answer)), []).append(status)
        return "; ".join(
            " or ".join(statuses) + (f" `{{{shape}}}`" if shape else "") for shape, statuses in shapes.items()
        )

    def _refusals(self) -> str:
        return ", ".join(status for status in self.schema["responses"] if status[0] != "2" and status not in EVERYWHERE)

    def answered(self) -> Iterator[str]:
        """The components within what it answers with, but for the envelope around them."""
        for _, answer in self._good():
            for part in self._envelope(answer).values():
                yield from references(part)

    def _good(self) -> list[tuple[str, Schema]]:
        return [(status, answer) for status, answer in self.schema["responses"].items() if status[0] == "2"]

    def _envelope(self, answer: Schema) -> Schema:
        for content in answer.get("content", {}).values():
            properties: Schema = self._found(content["schema"]).get("properties", {})
            return properties
        return {}

    def _found(self, schema: Schema) -> Schema:
        (name,) = references(schema) or [""]
        found: Schema = self.components[name] if name else schema
        return found


class Objects:
    """What answers hold, each told once."""

    def __init__(self, made: Schema) -> None:
        self.components = made["components"]["schemas"]
        self.told = {*TOLD_ELSEWHERE}

    def table(self, names: list[str]) -> Iterator[str]:
        new = list(dict.fromkeys(name for root in names for name in self._within(root)))
        if new:
            yield from ("| object | holds |", "| --- | --- |")
            yield from (self._row(name) for name in new)
            yield ""

    def _within(self, name: str) -> Iterator[str]:
        if name in self.told:
            return
        self.told.add(name)
        yield name
        for part in self._fields(name).values():
            for inner in references(part):
                yield from self._within(inner)

    def _row(self, name: str) -> str:
        fields = self._fields(name)
        base = self._base(name)
        own = [self._held(field, each) for field, each in fields.items() if not base or field not in self._fields(base)]
        return f"| {name} | {f'all of {base}, and ' if base else ''}{', '.join(own)} |"

    def _base(self, name: str) -> str | None:
        """The largest object that it has all fields of, and more."""
        fields = self._fields(name)
        parts = [
            other
            for other in sorted(self.told - TOLD_ELSEWHERE - {name})
            if len(self._fields(other)) >= LEAST_OF_A_BASE and self._fields(other).items() < fields.items()
        ]
        return max(parts, key=lambda other: len(self._fields(other)), default=None)

    def _fields(self, name: str) -> Schema:
        fields: Schema = self.components[name].get("properties", {})
        return fields

    def _held(self, name: str, field: Schema) -> str:
        return f"`{name}`" + "".join(f" ({found})" for found in references(field))


def table(kind: str, rows: dict[str, str], above: set[str]) -> Iterator[str]:
    """The rows, those that stood above already in one."""
    if not rows:
        return
    known = [name for name, row in rows.items() if f"{name} | {row}" in above]
    above |= {f"{name} | {row}" for name, row in rows.items()}
    yield from (f"| {kind} | form | what it is |", "| --- | --- | --- |")
    yield from (f"| {name} | {row} |" for name, row in rows.items() if name not in known)
    yield from (f"| {', '.join(known)} | as above | |",) if known else ()
    yield ""


def lowest_role(verb: Verb) -> str:
    return next(role.value for role, verbs in MAY.items() if verb in verbs)


def _named(parameter: Schema) -> str:
    return f"`{parameter['name']}`" + (" (header)" if parameter["in"] == "header" else "")
