"""The pages of who: each module registers its own."""

from workspaces.admin import notifications, tasks, tokens, users, workspaces

__all__ = ["notifications", "tasks", "tokens", "users", "workspaces"]
