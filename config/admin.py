"""The admin's site and its sidebar. What its start page shows is `executions.admin.start`'s."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

if apps.is_installed("unfold"):
    from unfold.sites import UnfoldAdminSite as AdminSite
else:
    from django.contrib.admin import AdminSite

SIDEBAR = {
    "Runs": {"executions.Execution": "play_circle"},
    "What should run": {"workflows.Workflow": "account_tree"},
    "For people": {"workspaces.Task": "task_alt", "workspaces.Notification": "notifications"},
    "Who": {
        "workspaces.Workspace": "workspaces",
        "workspaces.Membership": "badge",
        "workspaces.ApiToken": "key",
        "workspaces.Organization": "domain",
        "auth.User": "person",
        "auth.Group": "groups",
    },
}


class Site(AdminSite):
    index_title = "Overview"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages that this user may open, in groups."""
    overview = {"title": "Overview", "icon": "monitoring", "link": reverse("admin:index")}
    groups = [{"title": title, "items": _links(request, icons)} for title, icons in SIDEBAR.items()]
    return [{"items": [overview]}, *(group for group in groups if group["items"])]


def _links(request: HttpRequest, icons: dict[str, str]) -> list[dict[str, Any]]:
    links = []
    for label, icon in icons.items():
        model = apps.get_model(label)
        if admin.site.get_model_admin(model).has_view_permission(request):
            link = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            title = str(model._meta.verbose_name_plural)
            links.append({"title": title[:1].upper() + title[1:], "icon": icon, "link": link})
    return links
