"""The pages of what runs and what happened."""

from executions.admin import executions

__all__ = ["executions"]
