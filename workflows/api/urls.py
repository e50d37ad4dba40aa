from django.urls import path

from workflows.api.views import ActionTypeViews, DefinitionSchemaViews, WorkflowViews
from workspaces.api.urls import WORKSPACE

WORKFLOWS = f"{WORKSPACE}/workflows"

urlpatterns = [
    path(WORKFLOWS, WorkflowViews.as_view({"get": "list", "post": "create"})),
    path(f"{WORKFLOWS}/<str:id>", WorkflowViews.as_view({"get": "retrieve", "patch": "change", "delete": "archive"})),
    path(f"{WORKFLOWS}/<str:id>/activate", WorkflowViews.as_view({"post": "activate"})),
    path(f"{WORKFLOWS}/<str:id>/deactivate", WorkflowViews.as_view({"post": "deactivate"})),
    path("action-types", ActionTypeViews.as_view({"get": "retrieve"})),
    path("definition-schema", DefinitionSchemaViews.as_view({"get": "retrieve"})),
]
