"""The live stream of an execution, and the tickets that open it where no header can be sent."""

from typing import Any, ClassVar

from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from executions.models import Execution
from executions.stream import passes
from executions.stream.handing import CONTENT_TYPE, answer, last_id, stream_of
from executions.stream.passes import Holder, Pass
from executions.stream.watching import watch_once
from workspaces.access import Verb
from workspaces.api.authentication import BearerAuthentication
from workspaces.api.base import EntryView, by_id
from workspaces.api.fields import Moment
from workspaces.api.operations import Operation, holding
from workspaces.models import ApiToken
from workspaces.representation import moment

CURSOR_DIGITS = 16
"""Of a time in microseconds, from 2001 to 2286."""
TICKET = OpenApiParameter("ticket", str, description="From `stream-ticket`, instead of a token or a session.")
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID", str, "header", description="The `id` of the last event that was received; browsers send it."
)
ISSUED = holding(
    "StreamTicket",
    ticket=serializers.CharField(),
    url=serializers.CharField(help_text="The stream's path with the ticket in it."),
    expiresAt=Moment(),
)


@extend_schema_serializer(many=False)
class Events(serializers.Serializer[Any]):
    """Text, as the specification of EventSource has it."""


class TicketAuthentication(BaseAuthentication):
    """`?ticket=…`, since a browser's EventSource can't set headers."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken | None] | None:
        text = request.query_params.get("ticket")
        if text is None:
            return None
        caller = passes.of_ticket(text, (request.parser_context or {})["kwargs"]["id"])
        if caller is None:
            raise AuthenticationFailed("This ticket is too old, or of another stream; ask for another one.")
        return caller.user, caller.token


class TicketScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # so the library is written
    target_class = TicketAuthentication
    name = "ticket"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "query", "name": "ticket", "description": "From `stream-ticket`."}


class EventStreamRenderer(BaseRenderer):
    """Only says what can be had here: the events are encoded where they are made."""

    media_type = CONTENT_TYPE
    format = "events"
    charset = None

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return b""


class StreamView(EntryView):
    tag = "executions"
    renderer_classes: Any = [EventStreamRenderer]

    @property
    def holder(self) -> Holder:
        return Holder.of(self.caller, self.workspace)


class StreamViews(StreamView):
    authentication_classes: Any = [BearerAuthentication, TicketAuthentication, SessionAuthentication]
    operations: ClassVar = {
        "stream": Operation(
            "followExecution", "What has happened, then what happens", Verb.READ, Events,
            also={204: None}, parameters=(TICKET, LAST_EVENT_ID),
            description="Server-Sent Events: `connected`, `progress`, `step`, `complete`, `error`; each one's data is "
            "a JSON object. 204 when nothing comes after `Last-Event-ID`, which stops an `EventSource`.",
        ),
    }  # fmt: skip

    def stream(self, request: Request, id: str, **_: Any) -> HttpResponseBase:
        execution = by_id(Execution.objects.filter(workspace=self.workspace), id)
        return stream_of(request, execution, self.holder)


class WorkspaceStreamViews(StreamView):
    operations: ClassVar = {
        "stream": Operation(
            "followExecutions", "How all executions of the workspace fare", Verb.READ, Events,
            parameters=(LAST_EVENT_ID,),
            description="Server-Sent Events: `connected`, then `execution` with the latest state of each that hasn't "
            "ended, and of whatever changes; it never ends by itself. With `Last-Event-ID` it begins with what has "
            "ended since.",
        ),
    }  # fmt: skip

    def stream(self, request: Request, **_: Any) -> HttpResponseBase:
        since = last_id(request)
        if len(str(since)) != CURSOR_DIGITS:
            since = 0  # of the stream of an execution, or of no stream at all
        return answer(request, Pass(self.holder, None, since), watch_once(self.workspace.pk, since))


class TicketViews(EntryView):
    tag = "executions"
    operations: ClassVar = {
        "issue": Operation(
            "issueStreamTicket", "Makes a ticket for the stream, good for a minute", Verb.READ, ISSUED, status=201,
            description="For an `EventSource`, which can send no token, where no session speaks for the caller.",
        ),
    }  # fmt: skip

    def issue(self, request: Request, workspace: str, id: str, **_: Any) -> Response:
        execution = by_id(Execution.objects.filter(workspace=self.workspace), id)
        ticket = passes.ticket(self.caller, execution.pk)
        url = f"/api/workspaces/{workspace}/workflows/executions/{execution.pk}/stream?ticket={ticket}"
        expires = moment(timezone.now() + passes.TICKET_LIFE)
        return Response({"ticket": ticket, "url": url, "expiresAt": expires}, 201, headers={"Location": url})
