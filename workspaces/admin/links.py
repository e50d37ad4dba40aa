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
    address = reverse("admin:executions_execution_change", args=[execution_id])
    where = f"#step-{step_path}" if step_path else ""
    return format_html('<a class="t-link" href="{}{}">Its execution</a>', address, where)
