"""The pages of what runs and what happened."""

from executions.admin import executions, workflows

__all__ = ["executions", "workflows"]
