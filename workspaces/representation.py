"""Workspaces, and what is in them for people, as the wire contract writes them."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from workspaces.models import ApiToken, AuditEntry, Membership, Notification, Role, Secret, Task, Workspace


def workspace_json(workspace: Workspace, role: Role) -> dict[str, Any]:
    """`role` is that of whoever asks."""
    return {
        "id": str(workspace.id),
        "slug": workspace.slug,
        "name": workspace.name,
        "organization": {"slug": workspace.organization.slug, "name": workspace.organization.name},
        "role": role.value,
        "maxRunning": workspace.max_running,
        "retentionDays": workspace.retention_days,
        "retentionCount": workspace.retention_count,
        "createdAt": moment(workspace.created_at),
    }


def member_json(membership: Membership) -> dict[str, Any]:
    return {
        "id": str(membership.id),
        "user": user_json(membership.user),
        "role": membership.role,
        "createdAt": moment(membership.created_at),
    }


def user_json(user: User) -> dict[str, Any]:
    return {"id": user.pk, "username": user.username, "name": user.get_full_name(), "email": user.email}


def token_json(token: ApiToken) -> dict[str, Any]:
    """All but the token's text, which isn't kept."""
    return {
        "id": str(token.id),
        "name": token.name,
        "hint": token.hint,
        "user": user_json(token.user),
        "workspaceId": str(token.workspace_id) if token.workspace_id else None,
        "scopes": token.scopes.split(),
        "expiresAt": moment(token.expires_at),
        "lastUsedAt": moment(token.last_used_at),
        "createdAt": moment(token.created_at),
    }


def secret_json(secret: Secret) -> dict[str, Any]:
    """All but its value, which nobody reads back."""
    return {"name": secret.name, "createdAt": moment(secret.created_at), "updatedAt": moment(secret.updated_at)}


def task_json(task: Task) -> dict[str, Any]:
    return {
        "id": str(task.id),
        "title": task.title,
        "description": task.description,
        "status": task.status,
        "priority": task.priority,
        "assignee": user_json(task.assignee) if task.assignee else None,
        "dueAt": moment(task.due_at),
        "executionId": str(task.execution_id) if task.execution_id else None,
        "stepPath": task.step_path or None,
        "createdAt": moment(task.created_at),
        "updatedAt": moment(task.updated_at),
    }


def notification_json(notification: Notification) -> dict[str, Any]:
    return {
        "id": str(notification.id),
        "title": notification.title,
        "message": notification.message,
        "readAt": moment(notification.read_at),
        "mailedAt": moment(notification.mailed_at),
        "executionId": str(notification.execution_id) if notification.execution_id else None,
        "stepPath": notification.step_path or None,
        "createdAt": moment(notification.created_at),
    }


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    subject = {"type": entry.subject_type, "id": entry.subject_id} if entry.subject_type else None
    return {
        "id": str(entry.id),
        "at": moment(entry.at),
        "action": entry.action,
        "actor": entry.actor_name or None,
        "token": entry.token or None,
        "address": entry.address or None,
        "subject": subject,
        "label": entry.label,
        "details": entry.details,
    }


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC with `Z`."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")
