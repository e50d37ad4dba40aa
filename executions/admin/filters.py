"""What a list of executions may be narrowed to: the form above it, and what was asked for with it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from executions.states import UNFINISHED, ExecutionStatus
from workflows.models import Workflow
from workspaces.admin.reach import Reach
from workspaces.models import Workspace

MOST_CHOICES = 200
"""How many workflows, and how many workspaces, there are to choose from; of more, the newest."""
MOST_CHARACTERS = 200
GROUPS = {
    "unfinished": ("Not ended", UNFINISHED),
    "wrong": ("Failed or timed out", (ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT)),
}
PERIODS = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
STATUSES = [(name, words) for name, (words, _) in GROUPS.items()] + [
    (status.value, "Timed out" if status == ExecutionStatus.TIMEOUT else status.capitalize())
    for status in ExecutionStatus
]
KINDS = [("no", "Real runs"), ("yes", "Dry runs")]


@dataclass(frozen=True, slots=True)
class Asked:
    """Of any of `statuses`, or of all when there are none; created at or after `since` and before `until`."""

    statuses: tuple[str, ...] = ()
    workspace: UUID | None = None
    workflow: UUID | None = None
    trigger_type: str = ""
    is_simulation: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    only_errors: bool = False


class FilterForm(forms.Form):
    """By GET, so that an address is a list. What isn't understood is said, and narrows nothing."""

    q = forms.CharField(label="Search", required=False, max_length=MOST_CHARACTERS)
    status = forms.ChoiceField(required=False, choices=[("", "All"), *STATUSES])
    workspace = forms.UUIDField(required=False, widget=forms.Select)
    workflow = forms.UUIDField(required=False, widget=forms.Select)
    trigger = forms.CharField(required=False, max_length=64, widget=forms.Select)
    simulation = forms.ChoiceField(label="Kind", required=False, choices=[("", "Real and dry runs"), *KINDS])
    created = forms.ChoiceField(
        required=False, choices=[("", "Any time"), *((name, words) for name, (words, _) in PERIODS.items())]
    )
    since = forms.DateTimeField(label="From (UTC)", required=False)
    until = forms.DateTimeField(label="Before (UTC)", required=False)
    errors_only = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, reach: Reach) -> None:
        super().__init__(data, auto_id="filter-%s")
        workflow, workspace = (self._uuid(name) for name in ("workflow", "workspace"))
        workspaces = reach.within(Workspace.objects.all(), "pk")
        workflows = reach.within(Workflow.objects.all(), "workspace")
        if workspace:
            workflows = workflows.filter(workspace=workspace)
        found = _newest(workflows.values_list("pk", "name", "trigger_type"), workflow)
        self._offer("workspace", _newest(workspaces.values_list("pk", "name"), workspace))
        self._offer("workflow", ((pk, name) for pk, name, _ in found))
        triggers = {"manual", self.data.get("trigger", "")[:64], *(trigger for _, _, trigger in found)}
        self._offer("trigger", ((trigger, trigger.capitalize()) for trigger in triggers - {""}))
        for name in ("since", "until"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
            )

    def _offer(self, name: str, choices: Iterable[tuple[object, str]]) -> None:
        widget: Any = self.fields[name].widget
        widget.choices = [("", "All"), *sorted(choices, key=lambda choice: choice[1].casefold())]

    def _uuid(self, name: str) -> UUID | None:
        try:
            return UUID(self.data.get(name, ""))
        except ValueError:
            return None

    @property
    def asked(self) -> Asked:
        self.is_valid()
        given = self.cleaned_data
        status, period = given.get("status", ""), PERIODS.get(given.get("created", ""))
        simulation = given.get("simulation")
        bounds = [given.get("since"), timezone.now() - period[1] if period else None]
        return Asked(
            statuses=GROUPS[status][1] if status in GROUPS else (status,) if status else (),
            workspace=given.get("workspace"),
            workflow=given.get("workflow"),
            trigger_type=given.get("trigger", ""),
            is_simulation=simulation == "yes" if simulation else None,
            since=max((bound for bound in bounds if bound), default=None),
            until=given.get("until"),
            text=given.get("q", "").strip(),
            only_errors=given.get("errors_only", False),
        )

    @property
    def is_narrowed(self) -> bool:
        return self.asked != Asked()

    @property
    def has_choices(self) -> bool:
        return self.asked != Asked(text=self.asked.text, only_errors=self.asked.only_errors)


def _newest(rows: QuerySet[Any, Any], chosen: UUID | None) -> list[Any]:
    """And the chosen one, however old."""
    found = list(rows.order_by("-pk")[:MOST_CHOICES])
    if chosen and all(pk != chosen for pk, *_ in found):
        found += rows.filter(pk=chosen)
    return found
