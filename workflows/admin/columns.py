"""What lists and pages of workflows write in their cells."""

from datetime import datetime

from django.utils.html import format_html

from workflows.models import Workflow

NONE = "—"


def moment(when: datetime | None) -> str:
    """In UTC, to the second; whoever needs more finds it in the attribute."""
    if when is None:
        return NONE
    return format_html('<time datetime="{}">{}</time>', when.isoformat(), f"{when:%Y-%m-%d %H:%M:%S}")


def counted(number: int) -> str:
    return f"{number:,}"


def rate(workflow: Workflow) -> str:
    """Of what has ended, how much was COMPLETED; a dash until something has."""
    ended = workflow.success_count + workflow.failure_count + workflow.cancelled_count
    return percent(workflow.success_count, ended)


def percent(part: int, whole: int) -> str:
    """`99.5 %`; never 100 % of what isn't all, nor 0 % of what isn't nothing."""
    if not whole:
        return NONE
    share = 100 * part / whole
    bounded = share if part in {0, whole} else min(99.9, max(0.1, share))
    return f"{bounded:.1f} %".replace(".0 %", " %")
