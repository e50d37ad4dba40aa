"""A status as everybody can see it: a colour, an icon and a word."""

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

_ICONS = {
    "dots": '<circle cx="3" cy="8" r="1.6"/><circle cx="8" cy="8" r="1.6"/><circle cx="13" cy="8" r="1.6"/>',
    "turning": '<path d="M8 1.5a6.5 6.5 0 1 0 6.5 6.5h-2.2A4.3 4.3 0 1 1 8 3.7z"/>',
    "check": '<path d="m6.4 12.6-4-4 1.6-1.6 2.4 2.4 5.6-5.6L13.6 5.4z"/>',
    "cross": '<path d="m3.9 2.4 4.1 4 4.1-4 1.5 1.5-4 4.1 4 4.1-1.5 1.5-4.1-4-4.1 4-1.5-1.5 4-4.1-4-4.1z"/>',
    "square": '<rect x="3" y="3" width="10" height="10" rx="1.5"/>',
    "clock": '<path d="M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1m0 2a5 5 0 1 1 0 10A5 5 0 0 1 8 3m-1 1.5v4l3 2 1-1.6-2-1.2z"/>',
    "jump": '<path d="M2 10.5C3 6.5 6 4.5 9.5 5V2.5L14.5 6.5 9.5 10.5V8C7 7.5 5 8.5 4 10.5z"/>',
}
_LOOKS = {
    "PENDING": ("pending", "dots"), "RUNNING": ("running", "turning"), "COMPLETED": ("completed", "check"),
    "FAILED": ("failed", "cross"), "CANCELLED": ("cancelled", "square"), "TIMEOUT": ("timeout", "clock"),
    "SUCCESS": ("success", "check"), "SKIPPED": ("skipped", "jump"), "WAITING": ("waiting", "clock"),
    "DRAFT": ("pending", "dots"), "ACTIVE": ("completed", "check"), "INACTIVE": ("cancelled", "square"),
    "ARCHIVED": ("skipped", "jump"), "TODO": ("pending", "dots"), "IN_PROGRESS": ("running", "dots"),
    "DONE": ("completed", "check"),
}  # fmt: skip


def look(status: str) -> str:
    """The CSS class that gives what has it this status's colour."""
    return f"t-is-{_LOOKS[status.upper()][0]}"


def badge(status: str, label: str | None = None) -> SafeString:
    """Of an execution, a step, a workflow or a task; `label` where another word says more than the status's own."""
    word = label or status.replace("_", " ").capitalize()
    icon = mark_safe(_ICONS[_LOOKS[status.upper()][1]])  # noqa: S308 (drawn above)
    return format_html(
        '<span class="t-badge {}" data-status="{}"><svg viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">{}'
        "</svg>{}</span>",
        look(status),
        status,
        icon,
        word,
    )
