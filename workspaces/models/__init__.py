"""Who: the people, what there is for them to do, the keys they hold, and what they did."""

from workspaces.models.audit import Action, AuditEntry, SignInFailure
from workspaces.models.keys import ApiToken, Scope, Secret
from workspaces.models.people import ID_PATTERN, Membership, Organization, Role, Workspace
from workspaces.models.work import Notification, Task, TaskPriority, TaskStatus

__all__ = [
    "ID_PATTERN", "Action", "ApiToken", "AuditEntry", "Membership", "Notification",
    "Organization", "Role", "Scope", "Secret", "SignInFailure", "Task", "TaskPriority", "TaskStatus", "Workspace",
]  # fmt: skip
