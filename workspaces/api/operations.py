"""What a view can do, in one table: who may, what comes in, what goes out. The OpenAPI document is made of it."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import serializers

from workspaces import names
from workspaces.access import MAY, SCOPE, Verb

PROBLEM_TYPE = "application/problem+json"
PATH_PARAMETERS = {
    "workspace": OpenApiParameter("workspace", str, "path", description="A workspace's slug or its id."),
    "id": OpenApiParameter("id", {"type": "string", "format": "uuid"}, "path"),
    "name": OpenApiParameter("name", str, "path", description=f"A secret's name. {names.RULE}"),
}
LOCATION = OpenApiParameter("Location", str, "header", description="Where it is from now on.", response=[201])
ERRORS = {
    400: "A field or a parameter is at fault: `errors` says which, and what would do.",
    401: "No valid token or session.",
    403: "The role in the workspace, or the token's scopes, don't reach that far.",
    404: "There is no such thing, or none that the caller may see.",
    406: "The answer is JSON, and the request accepts none.",
    409: "The state of things doesn't allow it.",
    413: "The body is too large.",
    415: "The body isn't JSON.",
    422: "The idempotency key has started something else before.",
    429: "Too many requests in this minute.",
    503: "The database doesn't answer just now; `Retry-After` says when to come again.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer` is what a response with `status` holds (None: nothing), `also` what those with other statuses do.

    Both are serializers, or types of OpenAPI's.
    """

    name: str
    summary: str
    verb: Verb
    answer: Any
    body: type[serializers.Serializer[Any]] | None = None
    status: int = 200
    also: dict[int, Any] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
    parameters: tuple[OpenApiParameter | type[serializers.Serializer[Any]], ...] = ()
    description: str = ""

    @property
    def query(self) -> list[str]:
        """The parameters that its query may have."""
        known: list[str] = []
        for parameter in self.parameters:
            if not isinstance(parameter, OpenApiParameter):
                known += parameter().fields
            elif parameter.location == OpenApiParameter.QUERY:
                known.append(parameter.name)
        return known


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A field at fault",
            {
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "detail": "actions[0].type: Unknown action type 'send'.",
                "error": "WORKFLOW_INVALID",
                "message": "actions[0].type: Unknown action type 'send'.",
                "errors": {"actions[0].type": ["Unknown action type 'send'."]},
            },
            response_only=True,
            status_codes=["400"],
            media_type=PROBLEM_TYPE,
        )
    ]
)
class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457, with `error` and `message` for older clients."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    error = serializers.CharField(help_text="The code that programs go by.")
    message = serializers.CharField(help_text="The text that people read.")
    errors = serializers.DictField(  # type: ignore[assignment]  # the metaclass takes the fields out of the class
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with each field, by its path, such as `actions[2].config.url`.",
    )


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # so the library is written
    target_class = "workspaces.api.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API token, such as `tri_…`."}


class OperationSchema(AutoSchema):
    """Describes views that have `operations`; others as usual."""

    view: Any

    @property
    def operation(self) -> Operation | None:
        found: Operation | None = getattr(self.view, "operations", {}).get(getattr(self.view, "action", None))
        return found

    def get_operation_id(self) -> str:
        if self.operation is None:
            return str(super().get_operation_id())
        twice = [*self.view.action_map.values()].count(self.view.action) > 1
        return self.operation.name + ("ByDelete" if twice and self.method == "DELETE" else "")

    def get_summary(self) -> str | None:
        return self.operation.summary if self.operation else super().get_summary()

    def get_description(self) -> str:  # type: ignore[override]  # as the class that it extends
        if self.operation is None:
            return super().get_description()
        verb = self.operation.verb
        roles = " or ".join(role for role, verbs in MAY.items() if verb in verbs)
        needed = f"Takes the role {roles}; of a token the scope `{SCOPE[verb].value}`."
        return f"{self.operation.description} {needed}".strip()

    def get_tags(self) -> list[str]:
        return [self.view.tag] if self.operation else super().get_tags()

    def get_request_serializer(self) -> Any:
        return self.operation.body if self.operation else super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        operation = self.operation
        if operation is None:
            return super().get_response_serializers()
        statuses = {401, 403, 406, 429, 503, *operation.errors}
        if operation.body or self.view.action == "list" or operation.parameters:
            statuses.add(400)
        if operation.body:
            statuses |= {413, 415}
        if "{" in self.path:
            statuses.add(404)
        answers: dict[Any, Any] = {operation.status: operation.answer, **operation.also}
        return answers | {
            (status, PROBLEM_TYPE): OpenApiResponse(ProblemSerializer, ERRORS[status]) for status in sorted(statuses)
        }

    def get_override_parameters(self) -> list[Any]:
        if self.operation is None:
            return list(super().get_override_parameters())
        in_path = [parameter for name, parameter in PATH_PARAMETERS.items() if f"{{{name}}}" in self.path]
        located = [LOCATION] if self.operation.status == HTTPStatus.CREATED else []
        return [*in_path, *self.operation.parameters, *located]


def holding(name: str, **parts: serializers.Field[Any, Any, Any, Any]) -> type[serializers.Serializer[Any]]:
    """An object with these parts, under its own name in the document."""
    made: Any = inline_serializer(name, {**parts})
    return extend_schema_serializer(many=False)(type(made))


def page_of(envelope: str, item: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """A page of a list, as PagePagination gives it."""
    counts = {name: serializers.IntegerField(min_value=0) for name in ("total", "page", "limit", "totalPages")}
    return holding(f"{envelope[:1].upper()}{envelope[1:]}Page", **{envelope: item(many=True)}, **counts)
