from django.urls import path

from workspaces.api.audit import AuditViews
from workspaces.api.secrets import SecretViews
from workspaces.api.views import (
    MemberViews,
    NotificationViews,
    OwnTokenViews,
    TaskViews,
    WorkspaceListViews,
    WorkspaceTokenViews,
    WorkspaceViews,
)

WORKSPACE = "workspaces/<str:workspace>"

urlpatterns = [
    path("workspaces", WorkspaceListViews.as_view({"get": "list"})),
    path(WORKSPACE, WorkspaceViews.as_view({"get": "retrieve", "patch": "change"})),
    path(f"{WORKSPACE}/members", MemberViews.as_view({"get": "list", "post": "create"})),
    path(
        f"{WORKSPACE}/members/<str:id>",
        MemberViews.as_view({"get": "retrieve", "patch": "change", "delete": "remove"}),
    ),
    path(f"{WORKSPACE}/audit", AuditViews.as_view({"get": "entries"})),
    path(f"{WORKSPACE}/tokens", WorkspaceTokenViews.as_view({"get": "list", "post": "create"})),
    path(f"{WORKSPACE}/tokens/<str:id>", WorkspaceTokenViews.as_view({"delete": "revoke"})),
    path(f"{WORKSPACE}/secrets", SecretViews.as_view({"get": "list"})),
    path(f"{WORKSPACE}/secrets/<str:name>", SecretViews.as_view({"put": "write", "delete": "remove"})),
    path(f"{WORKSPACE}/tasks", TaskViews.as_view({"get": "list"})),
    path(f"{WORKSPACE}/tasks/<str:id>", TaskViews.as_view({"get": "retrieve", "patch": "change"})),
    path(f"{WORKSPACE}/notifications", NotificationViews.as_view({"get": "list"})),
    path(f"{WORKSPACE}/notifications/read", NotificationViews.as_view({"post": "read_all"})),
    path(f"{WORKSPACE}/notifications/<str:id>", NotificationViews.as_view({"get": "retrieve"})),
    path(f"{WORKSPACE}/notifications/<str:id>/read", NotificationViews.as_view({"post": "read"})),
    path("tokens", OwnTokenViews.as_view({"get": "list", "post": "create"})),
    path("tokens/<str:id>", OwnTokenViews.as_view({"delete": "revoke"})),
]
