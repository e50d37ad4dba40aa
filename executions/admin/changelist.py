"""Django's list of a model, with the filters, the search and the pages of executions in the place of its own."""

from typing import Any, Literal
from uuid import UUID

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

from executions.admin.branches import Found, find, in_reach
from executions.admin.bulk import AT_ONCE
from executions.admin.filters import FilterForm
from executions.admin.paging import Cursor, Page, first_ids, page
from executions.models import Execution
from workspaces.admin.reach import reach_of

BEFORE, AFTER = "before", "after"
RELATED = ("workspace", "workflow", "triggered_by")
SHOWN = (
    "status", "trigger_type", "is_simulation", "error", "waiting_for", "created_at", "started_at", "completed_at",
    "total_steps", "successful_steps", "failed_steps", "skipped_steps", "workspace__name", "workflow__name",
    "triggered_by__username",
)  # fmt: skip


class ExecutionChangeList(ChangeList):
    """It has no lookups but those of its form, and one order."""

    page: Page
    form: FilterForm
    found: Found

    def get_filters(self, request: HttpRequest) -> tuple[list[Any], bool, dict[str, Any], bool, bool]:
        return [], False, {}, False, False

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Where actions look up what was selected: all in reach, whatever the list shows by now."""
        self.filter_specs, self.has_filters, self.has_active_filters = [], False, False
        self.clear_all_filters_qs = "?"
        return in_reach(Execution.objects.all(), reach_of(request))

    def get_results(self, request: HttpRequest) -> None:
        reach = reach_of(request)
        self.form = FilterForm(request.GET, reach)
        self.asked = self.form.asked
        self.found = find(self.asked, reach)
        lines = in_reach(Execution.objects.all(), reach).select_related(*RELATED).only(*SHOWN)
        self.page = page(lines, self.found.branches, self.asked, _cursor(request), self.list_per_page)
        self.result_list = self.page.executions
        self.result_count = AT_ONCE if self.page.older or self.page.newer else len(self.result_list)
        self.full_result_count, self.show_full_result_count = self.result_count, False
        self.show_admin_actions, self.can_show_all, self.multi_page = True, False, False
        self.paginator = Paginator(self.result_list, self.list_per_page)

    def first_ids(self) -> list[UUID]:
        """Of all that the list shows on its pages, the first of them."""
        return first_ids(self.found.branches, self.asked, AT_ONCE)

    def get_ordering_field_columns(self) -> dict[int, Literal["asc", "desc"]]:
        return {}

    @property
    def newest_link(self) -> str | None:
        return self._link() if self.page.newer else None

    @property
    def newer_link(self) -> str | None:
        return self._link(self.page.newer) if self.page.newer else None

    @property
    def older_link(self) -> str | None:
        return self._link(self.page.older) if self.page.older else None

    @property
    def errors_link(self) -> str:
        return str(self.get_query_string({"errors_only": "on"}, [BEFORE, AFTER]))

    @property
    def names_link(self) -> str:
        return str(self.get_query_string(remove=["errors_only", BEFORE, AFTER]))

    def _link(self, cursor: Cursor | None = None) -> str:
        place = {AFTER if cursor.is_newer else BEFORE: cursor.id} if cursor else {}
        return str(self.get_query_string(place, [BEFORE, AFTER]))


def _cursor(request: HttpRequest) -> Cursor | None:
    for name in (BEFORE, AFTER):
        try:
            return Cursor(UUID(request.GET.get(name, "")), is_newer=name == AFTER)
        except ValueError:
            continue
    return None
