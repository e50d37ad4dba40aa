"""Links from what belongs to a workspace to the pages about it, by their names: who made them isn't for us to know."""

from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

NONE = "-"


def execution_link(execution_id: UUID | None, step_path: str = "") -> SafeString | str:
    """To the execution that made something, and the step of it that did."""
    if execution_id is None:
        return NONE
    where = f"#step-{step_path}" if step_path else ""
    return format_html('<a class="t-link" href="{}{}">Its execution</a>', _page_of(execution_id), where)


def link_to_execution(execution_id: str) -> SafeString:
    """By its id; it may have been deleted since."""
    return format_html('<a class="t-link" href="{}">{}</a>', _page_of(execution_id), execution_id)


def _page_of(execution_id: UUID | str) -> str:
    return reverse("admin:executions_execution_change", args=[execution_id])
