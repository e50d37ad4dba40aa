"""The admin's site and its sidebar. What its start page shows is `executions.admin.start`'s."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from workspaces import audit
from workspaces.models import Action
from workspaces.signin import TooManyFailures

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
        "workspaces.Secret": "lock",
        "workspaces.Organization": "domain",
        "auth.User": "person",
        "auth.Group": "groups",
        "workspaces.AuditEntry": "history",
    },
}


class Site(AdminSite):
    index_title = "Overview"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        try:
            page: HttpResponseBase = super().login(request, extra_context)
        except TooManyFailures as refused:
            return _come_again(refused)
        if request.method == "POST" and request.user.is_authenticated:
            audit.record(Action.SIGN_IN, request.user)
        return page

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        if request.method == "POST" and request.user.is_authenticated:
            audit.record(Action.SIGN_OUT, request.user)
        page: HttpResponseBase = super().logout(request, extra_context)
        return page

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Whoever guesses at the old one is slowed as if he signed in with it."""
        user = request.user if request.method == "POST" and request.user.is_authenticated else None
        if user:
            try:
                authenticate(request, username=user.get_username(), password=request.POST.get("old_password", ""))
            except TooManyFailures as refused:
                return _come_again(refused)
        with transaction.atomic():
            page: HttpResponseBase = super().password_change(request, extra_context)
            if user and page.status_code == HTTPStatus.FOUND:
                audit.record(Action.PASSWORD_CHANGE, user)
        return page


def _come_again(refused: TooManyFailures) -> HttpResponse:
    """A program is told the same as a problem, by the header."""
    at = timezone.now() + timedelta(seconds=refused.seconds)
    headers = {"Retry-After": str(refused.seconds)}
    page = render_to_string("429.html", {"at": at, "seconds": refused.seconds})
    return HttpResponse(page, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)


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
