"""The built-in action types: importing this module registers them."""

from workflows.actions import call_api, condition, create_task, send_notification, wait

__all__ = ["call_api", "condition", "create_task", "send_notification", "wait"]
