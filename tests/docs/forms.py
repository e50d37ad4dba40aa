"""A JSON Schema, as the OpenAPI document has it, in a few words."""

from typing import Any

ENUM_IN_WORDS = "* `"

type Schema = dict[str, Any]


def form(schema: Schema) -> str:
    """What a value has to be: `time or null`, `1 to 100; 20 unless given`, `list of Action`."""
    kind, *others = kinds(schema)
    null = " or null" if "null" in others else ""
    default = schema.get("default")
    return shown(schema, kind) + null + ("" if default is None else f"; `{json(default)}` unless given")


def kinds(schema: Schema) -> list[str]:
    """The types of its values, null the last."""
    found = schema.get("type", "any JSON")
    return sorted(found, key=lambda kind: kind == "null") if isinstance(found, list) else [found]


def shown(schema: Schema, kind: str) -> str:
    if own := references({**schema, "items": {}}):
        return own[0]
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    match kind:
        case "array":
            return f"list of {form(schema['items'])}"
        case "integer":
            return number(schema)
        case "string":
            return {"uuid": "id", "date-time": "time"}.get(schema.get("format", ""), text(schema))
    return kind


def references(schema: Schema) -> list[str]:
    """The names of the components that it leads to, itself or as the items of a list."""
    parts = [schema, schema.get("items", {}), *schema.get("oneOf", ()), *schema.get("allOf", ())]
    return [part["$ref"].rpartition("/")[2] for part in parts if "$ref" in part]


def number(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        return f"{least or 0:,} to {most:,}"
    return f"integer from {least}" if least is not None else "integer"


def text(schema: Schema) -> str:
    return f"text, {schema['maxLength']:,} characters at most" if "maxLength" in schema else "text"


def json(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def words(described: Schema) -> str:
    """What is said of it, without the values, which its form lists."""
    said: str = described.get("description", "")
    return said.partition(ENUM_IN_WORDS)[0].strip().replace("|", r"\|")
