"""The pages of who: each module registers its own."""

from workspaces.admin import members, notifications, tasks, tokens, users, workspaces

__all__ = ["members", "notifications", "tasks", "tokens", "users", "workspaces"]
