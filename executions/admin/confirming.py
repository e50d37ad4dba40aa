"""The page that asks before several executions are cancelled or run again, and the page that tells what happened."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from executions.admin.bulk import AT_ONCE, Deed, Fate, Result
from executions.admin.columns import status
from executions.models import Execution
from workspaces.admin.reach import ByRole

ONCE = "once"
"""The field with the token of a confirmation, which counts once, however often it is sent."""
ONCE_SECONDS = 24 * 3600
KEPT = "executions.outcome"
TEMPLATES = "admin/executions/execution"
LIST = "admin:executions_execution_changelist"
OUTCOME = "admin:executions_execution_outcome"
SHOWN = ("status", "waiting_for", "is_simulation", "workspace__name", "workflow__name", "workflow__status")

type Line = dict[str, Any]


def confirm_or_do(deed: Deed, rows: QuerySet[Execution]) -> HttpResponse:
    """Asks first; the answer brings the token along."""
    token = _token(deed.request)
    ids = list(rows.order_by("-created_at", "-id").values_list("pk", flat=True)[:AT_ONCE])
    if token is None:
        return _confirmation(deed, rows, ids)
    if cache.add(f"{KEPT}:{deed.user.pk}:{token}", 1, ONCE_SECONDS):
        _keep(deed, [(str(pk), *fate) for pk in ids if (fate := _done(deed, rows, pk))])
    else:
        messages.warning(deed.request, "That has been done already, and wasn't done again.")
    return HttpResponseRedirect(reverse(OUTCOME))


def _token(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get(ONCE, ""))
    except ValueError:
        return None


def _done(deed: Deed, rows: QuerySet[Execution], pk: UUID) -> Fate | None:
    """One at a time, since what an execution was started with may be large."""
    execution = rows.select_related("workflow").filter(pk=pk).first()
    return deed.done(execution) if execution else None


def _confirmation(deed: Deed, rows: QuerySet[Execution], ids: Sequence[UUID]) -> HttpResponse:
    lines = [_line(execution, deed.foreseen(execution)) for execution in _shown(rows, ids)]
    context = {
        **_page(deed.admin, deed.request, lines),
        "deed": deed,
        "ids": ids,
        "at_once": AT_ONCE if deed.request.POST.get("select_across") == "1" else None,
        "token": uuid4(),
        "names": {"checkbox": ACTION_CHECKBOX_NAME, "once": ONCE},
        "back": deed.request.get_full_path(),
    }
    return TemplateResponse(deed.request, f"{TEMPLATES}/{deed.action}.html", context)


def outcome(admin: ByRole, request: HttpRequest) -> HttpResponse:
    """What the last of these deeds of this session came to."""
    kept = request.session.get(KEPT)
    if not kept or not admin.has_view_permission(request):
        return HttpResponseRedirect(reverse(LIST))
    fates = {UUID(pk): Fate(Result(result), *rest) for pk, result, *rest in kept["fates"]}
    lines = [_line(execution, fates[execution.pk]) for execution in _shown(admin.get_queryset(request), list(fates))]
    context = {**_page(admin, request, lines), "words": kept["words"], "back": kept["back"]}
    return TemplateResponse(request, f"{TEMPLATES}/outcome.html", context)


def _keep(deed: Deed, fates: Sequence[tuple[str, ...]]) -> None:
    deed.request.session[KEPT] = {"words": deed.words, "back": deed.request.get_full_path(), "fates": fates}


def _shown(rows: QuerySet[Execution], ids: Sequence[UUID]) -> QuerySet[Execution]:
    chosen = rows.filter(pk__in=ids).order_by("-created_at", "-id")
    return chosen.select_related("workspace", "workflow").only(*SHOWN)


def _line(execution: Execution, fate: Fate) -> Line:
    return {"execution": execution, "status": status(execution), "fate": fate}


def _page(admin: ByRole, request: HttpRequest, lines: Sequence[Line]) -> dict[str, Any]:
    counts = Counter(line["fate"].result for line in lines)
    return {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "lines": lines,
        "counts": {result.value: counts[result] for result in Result},
    }
