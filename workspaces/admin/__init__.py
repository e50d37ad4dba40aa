"""The pages of who: each module registers its own."""

from workspaces.admin import audit, members, notifications, secrets, tasks, tokens, users, workspaces

__all__ = ["audit", "members", "notifications", "secrets", "tasks", "tokens", "users", "workspaces"]
