"""What the OpenAPI document says beyond the views: the form of a definition."""

from typing import Any

from workflows.definition import json_schema

REFERENCE = "#/components/schemas/{model}"


def with_definition(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds the parts of a definition, from the model that checks them."""
    result["components"]["schemas"] |= json_schema(reference=REFERENCE)["$defs"]
    return result
