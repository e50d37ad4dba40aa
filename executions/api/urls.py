from django.urls import path

from executions.api.streaming import StreamViews, TicketViews, WorkspaceStreamViews
from executions.api.views import ExecuteViews, ExecutionViews, HistoryViews
from workflows.api.urls import WORKFLOWS

# Before those of the workflows, since `executions` would pass for a workflow's id; and `stream` for an execution's.
urlpatterns = [
    path(f"{WORKFLOWS}/executions/stream", WorkspaceStreamViews.as_view({"get": "stream"})),
    path(
        f"{WORKFLOWS}/executions/<str:id>",
        ExecutionViews.as_view({"get": "retrieve", "post": "cancel", "delete": "cancel"}),
    ),
    path(f"{WORKFLOWS}/executions/<str:id>/resume", ExecuteViews.as_view({"post": "resume"})),
    path(f"{WORKFLOWS}/executions/<str:id>/stream", StreamViews.as_view({"get": "stream"})),
    path(f"{WORKFLOWS}/executions/<str:id>/stream-ticket", TicketViews.as_view({"post": "issue"})),
    path(f"{WORKFLOWS}/<str:id>/executions", HistoryViews.as_view({"get": "brief"})),
    path(f"{WORKFLOWS}/<str:id>/history", HistoryViews.as_view({"get": "detailed_history"})),
    path(f"{WORKFLOWS}/<str:id>/execute", ExecuteViews.as_view({"post": "execute", "get": "latest"})),
]
