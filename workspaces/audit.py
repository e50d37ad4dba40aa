"""Who did what: entries that services write in the transaction of what they tell of, and nobody changes.

Of what the engine does by itself the executions tell.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.db.models import Model
from django.utils import timezone

from workspaces import speakers
from workspaces.models import Action, AuditEntry, Workspace

MAX_LABEL = 200
BATCH = 1_000
REST_SECONDS = 1.0

type Detail = str | int | bool | list[str] | None


def record(
    action: Action, subject: Model | None, *, workspace_id: UUID | None = None, label: str = "", **details: Detail
) -> None:
    """Writes an entry, in the caller's transaction; none where nobody speaks. `label` names the subject for people."""
    if entry := entry_of(action, subject, workspace_id=workspace_id, label=label, **details):
        entry.save(force_insert=True)


def entry_of(
    action: Action, subject: Model | None, *, workspace_id: UUID | None = None, label: str = "", **details: Detail
) -> AuditEntry | None:
    """The same, not yet written."""
    speaker = speakers.current()
    if speaker is None:
        return None
    return AuditEntry(
        workspace_id=workspace_id,
        workspace_slug=_slug(workspace_id) if workspace_id else "",
        actor_id=speaker.user.pk if speaker.user else None,
        actor_name=speaker.name[:150],
        token=speaker.token,
        address=speaker.address[:45],
        action=action,
        subject_type=str(subject._meta.model_name) if subject else "",
        subject_id=str(subject.pk) if subject else "",
        label=(label or str(subject or ""))[:MAX_LABEL],
        details=details,
    )


@lru_cache(maxsize=4096)
def _slug(workspace_id: UUID) -> str:
    """It never changes."""
    return Workspace.objects.values_list("slug", flat=True).get(pk=workspace_id)


def prune(*, rest: Callable[[float], object] = time.sleep) -> int:
    """Deletes what is older than AUDIT_DAYS, a little at a time, until `rest` gives something true; says how many."""
    if not settings.AUDIT_DAYS:
        return 0
    until = timezone.now() - timedelta(days=settings.AUDIT_DAYS)
    deleted = 0
    while gone := AuditEntry.objects.between(None, until).drop(BATCH):
        deleted += gone
        if rest(REST_SECONDS):
            break
    return deleted
