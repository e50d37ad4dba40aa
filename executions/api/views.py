from typing import Any, ClassVar, cast

from django.db.models import prefetch_related_objects
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from executions import history, services
from executions.api.documents import (
    APPLIED,
    CANCELLED,
    EXECUTIONS,
    HISTORY,
    IDEMPOTENCY_KEY,
    LATEST,
    LOCATION,
    PREFER,
    REPLAYED,
    STATUS,
    WAIT,
)
from executions.api.preferences import wait_seconds
from executions.api.queries import HistoryQuery, OneExecutionQuery
from executions.api.serializers import ExecuteInput
from executions.history import Page, pagination_json
from executions.models import Execution, ExecutionQuerySet
from executions.representation import execution_json, progress_json, summary_json, timing_json, workflow_context
from executions.selection import Filters
from executions.statistics import statistics_json
from executions.stream.handing import HELD_BY_SERVER
from workflows.models import Workflow, WorkflowVersion
from workspaces.access import Verb
from workspaces.api.base import EntryView, by_id
from workspaces.api.operations import Operation


class ExecutionView(EntryView):
    tag = "executions"

    def workflow(self, id: str) -> Workflow:
        return by_id(Workflow.objects.filter(workspace=self.workspace).select_related("version"), id)

    def executions(self) -> ExecutionQuerySet:
        return Execution.objects.filter(workspace=self.workspace).with_context()

    def shown(self, execution: Execution) -> dict[str, Any]:
        return execution_json(execution, tracebacks=self.entry.may(Verb.ADMIN))

    def detailed(self, execution: Execution) -> dict[str, Any]:
        resumed_as = services.resumed_as(execution)
        more = {"resumedAs": str(resumed_as) if resumed_as else None}
        return self.shown(execution) | more | {"workflow": workflow_context(execution.workflow, execution)}

    def fares(self, execution: Execution) -> dict[str, Any]:
        return {
            "execution": self.detailed(execution),
            "progress": progress_json(execution),
            "timing": timing_json(execution, timezone.now()),
        }


class ExecuteViews(ExecutionView):
    """Starts a workflow, and says how its latest execution fares."""

    operations: ClassVar = {
        "execute": Operation(
            "executeWorkflow", "Starts an execution", Verb.EXECUTE, STATUS, ExecuteInput, 202,
            also={200: STATUS}, errors=(422,),
            parameters=(WAIT, PREFER, IDEMPOTENCY_KEY, LOCATION, APPLIED, REPLAYED),
            description="202 at once; 200 with its steps when the client waits and it ends in time. Only an ACTIVE "
            "workflow runs, save for a dry run.",
        ),
        "resume": Operation(
            "resumeExecution", "Goes on with an execution that ended unfinished, as a new one", Verb.EXECUTE, STATUS,
            status=202, also={200: STATUS}, errors=(409,), parameters=(WAIT, PREFER, LOCATION, APPLIED, REPLAYED),
            description="Of one that is FAILED, TIMEOUT or CANCELLED: of the same version, with the same data. Its "
            "steps that ended are copied, and it begins at the one where that came to its end, with the same "
            "idempotency keys. An execution is resumed once; asked again, the answer is the same new one.",
        ),
        "latest": Operation("readLatestExecution", "The latest execution of a workflow", Verb.READ, LATEST),
    }  # fmt: skip

    def execute(self, request: Request, workspace: str, id: str) -> Response:
        """Answers 202 at once; if asked to wait, 200 when it has ended by then.

        Where the server can wait without holding a thread, it says so and does it itself.
        """
        seconds, workflow = wait_seconds(request), self.workflow(id)
        return self._answer(request, workspace, workflow, self._started(request, workflow), seconds)

    def resume(self, request: Request, workspace: str, id: str) -> Response:
        """Answers as `execute` does."""
        if request.data:
            raise ValidationError({"body": ["Send none: it goes on with what it was started with."]})
        execution = by_id(Execution.objects.filter(workspace=self.workspace).select_related("workflow__version"), id)
        seconds, resumed = wait_seconds(request), services.resume(execution=execution, by=self.caller.user)
        return self._answer(request, workspace, execution.workflow, resumed, seconds)

    def _answer(
        self, request: Request, workspace: str, workflow: Workflow, started: services.Started, seconds: int
    ) -> Response:
        execution, is_replay = started
        held = HELD_BY_SERVER in request.META
        if seconds and not execution.has_ended and not held:
            services.wait(execution=execution, seconds=seconds)
        location = f"/api/workspaces/{workspace}/workflows/executions/{execution.id}"
        headers = {"Location": location}
        if seconds:
            headers["Preference-Applied"] = f"wait={seconds}"
        if is_replay:
            headers["Idempotency-Replayed"] = "true"
        execution.workflow = workflow
        if execution.version_id == workflow.version_id:
            execution.version = cast(WorkflowVersion, workflow.version)
        prefetch_related_objects([execution], "steps")
        return Response(self.fares(execution), 200 if seconds and execution.has_ended else 202, headers=headers)

    def _started(self, request: Request, workflow: Workflow) -> services.Started:
        given = self.given()
        return services.start_once(
            workflow=workflow,
            trigger_data=given["triggerData"],
            variables=given["variables"],
            dry_run=given["dryRun"],
            triggered_by=self.caller.user,
            idempotency_key=request.headers.get("Idempotency-Key"),
        )

    def latest(self, request: Request, id: str, **_: Any) -> Response:
        execution = self.executions().newest_first().filter(workflow=self.workflow(id)).first()
        if execution is None:
            return Response({"execution": None, "message": "This workflow has not been executed yet."})
        return Response({"execution": self.detailed(execution), "progress": progress_json(execution)})


class HistoryViews(ExecutionView):
    """What a workflow has run, page by page."""

    operations: ClassVar = {
        "brief": Operation(
            "listExecutions", "The executions of a workflow, and its statistics", Verb.READ, EXECUTIONS, errors=(400,),
            parameters=(HistoryQuery,),
            description="`total` is exact up to 10,000, for an unfiltered list and for one by status; else it says "
            "`totalIsEstimate`. Deep pages are cheaper by `cursor` than by `offset`. The statistics are those of the "
            "workflow, whatever the filter, and leave dry runs out.",
        ),
        "detailed_history": Operation(
            "readHistory", "The executions of a workflow in detail, or one of them", Verb.READ, HISTORY, errors=(400,),
            parameters=(OneExecutionQuery,),
        ),
    }  # fmt: skip

    def brief(self, request: Request, id: str, **_: Any) -> Response:
        workflow = self.workflow(id)
        page = _page(workflow, _queried(request, HistoryQuery))
        return Response(
            {
                "executions": [self.shown(execution) for execution in page.executions],
                "pagination": pagination_json(page),
                "statistics": statistics_json(workflow),
            }
        )

    def detailed_history(self, request: Request, id: str, **_: Any) -> Response:
        workflow = self.workflow(id)
        query = _queried(request, OneExecutionQuery)
        if execution_id := query.get("executionId"):
            execution = self.executions().get(pk=execution_id, workflow=workflow)
            return Response({"execution": self._historical(execution, workflow)})
        page = _page(workflow, query)
        return Response(
            {
                "executions": [self._historical(execution, workflow) for execution in page.executions],
                "pagination": pagination_json(page),
            }
        )

    def _historical(self, execution: Execution, workflow: Workflow) -> dict[str, Any]:
        context = {"workflow": workflow_context(workflow, execution), "executionSummary": summary_json(execution)}
        return self.shown(execution) | context


class ExecutionViews(ExecutionView):
    """One execution: how it fares, and its cancel."""

    operations: ClassVar = {
        "retrieve": Operation("readExecution", "How an execution fares, step by step", Verb.READ, STATUS),
        "cancel": Operation(
            "cancelExecution", "Cancels an execution, at once", Verb.EXECUTE, CANCELLED, errors=(409,),
            description="409 when it has ended already. Whatever a handler does then, CANCELLED stays.",
        ),
    }  # fmt: skip

    def retrieve(self, request: Request, id: str, **_: Any) -> Response:
        return Response(self.fares(by_id(self.executions(), id)))

    def cancel(self, request: Request, id: str, **_: Any) -> Response:
        services.cancel(execution=by_id(Execution.objects.filter(workspace=self.workspace), id), by=self.caller.user)
        execution = by_id(self.executions(), id)
        return Response(
            {"success": True, "execution": self.detailed(execution), "message": "The execution is cancelled."}
        )


def _queried(request: Request, serializer: type[HistoryQuery]) -> dict[str, Any]:
    """The query as validated; raises ValidationError."""
    parameters: Any = {name: request.query_params[name] for name in request.query_params}
    if "status" in parameters:
        parameters["status"] = request.query_params.getlist("status")
    query = serializer(data=parameters)
    query.is_valid(raise_exception=True)
    return dict(query.validated_data)


def _page(workflow: Workflow, query: dict[str, Any]) -> Page:
    filters = Filters(sorted(query.get("status", ())), query.get("from"), query.get("to"), query.get("triggerType"))
    try:
        return history.page(
            workflow, filters, sort_by=query.get("sortBy"), descending=query["sortOrder"] == "desc",
            offset=query["offset"], limit=query["limit"], cursor=query.get("cursor"),
        )  # fmt: skip
    except ValueError as error:
        raise ValidationError({"cursor": [str(error)]}) from error
