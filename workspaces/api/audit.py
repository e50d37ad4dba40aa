"""The audit log of a workspace, for those who administer it."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from workspaces.access import Verb
from workspaces.api.base import EntryView
from workspaces.api.fields import Choice, Moment
from workspaces.api.operations import Operation, holding
from workspaces.api.pages import DEFAULT_LIMIT, MAX_LIMIT
from workspaces.models import Action, AuditEntry
from workspaces.representation import entry_json


class AuditQuery(serializers.Serializer[Any]):
    action = serializers.MultipleChoiceField(
        choices=[*Action.values],
        required=False,
        help_text="One of these; repeatable.",
        error_messages={"invalid_choice": f"Give one of {', '.join(Action.values)}."},
    )
    actor = serializers.CharField(required=False, max_length=150, help_text="A user name.")
    label = serializers.CharField(  # type: ignore[assignment]  # the metaclass takes the fields out of the class
        required=False, max_length=200, help_text="The name of what it was done to, at that time."
    )
    since = Moment(required=False, help_text="What was done then or later.")
    until = Moment(required=False, help_text="What was done before.")
    limit = serializers.IntegerField(min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT)
    cursor = serializers.UUIDField(required=False, help_text="The `nextCursor` of a page: what is older than that.")


class SubjectSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    id = serializers.CharField()


class AuditEntrySerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = Moment()
    action = Choice([*Action.values])
    actor = serializers.CharField(allow_null=True, help_text="The user's name at that time, or the command's.")
    token = serializers.CharField(allow_null=True, help_text="The token that spoke for him.")
    address = serializers.CharField(allow_null=True)
    subject = SubjectSerializer(allow_null=True)
    label = serializers.CharField(allow_blank=True, help_text="The subject's name at that time.")  # type: ignore[assignment]  # the metaclass takes the fields out of the class
    details = serializers.JSONField()


class EntriesPaginationSerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField()
    hasMore = serializers.BooleanField()
    nextCursor = serializers.UUIDField(allow_null=True)


class AuditViews(EntryView):
    tag = "audit"
    operations: ClassVar = {
        "entries": Operation(
            "readAuditLog", "Who did what in the workspace, the latest first", Verb.ADMIN,
            holding("AuditPage", entries=AuditEntrySerializer(many=True), pagination=EntriesPaginationSerializer()),
            errors=(400,), parameters=(AuditQuery,),
            description="What was started, cancelled and changed, and whose names of secrets were read. Nothing is "
            "changed or deleted here; `AUDIT_DAYS` says how long entries are kept.",
        ),
    }  # fmt: skip

    def entries(self, request: Request, **_: Any) -> Response:
        given = _queried(request)
        limit = given["limit"]
        found = AuditEntry.objects.filter(workspace_id=self.workspace.pk, **_conditions(given))
        rows = list(found.between(given.get("since"), given.get("until")).order_by("-pk")[: limit + 1])
        shown, has_more = rows[:limit], len(rows) > limit
        cursor = str(shown[-1].pk) if has_more else None
        return Response(
            {
                "entries": [entry_json(entry) for entry in shown],
                "pagination": {"limit": limit, "hasMore": has_more, "nextCursor": cursor},
            }
        )


def _queried(request: Request) -> dict[str, Any]:
    """The query as validated; raises ValidationError."""
    parameters: Any = {name: request.query_params[name] for name in request.query_params}
    if "action" in parameters:
        parameters["action"] = request.query_params.getlist("action")
    query = AuditQuery(data=parameters)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def _conditions(given: dict[str, Any]) -> dict[str, Any]:
    names = {"action": "action__in", "actor": "actor_name", "label": "label", "cursor": "pk__lt"}
    return {names[name]: given[name] for name in names if name in given}
