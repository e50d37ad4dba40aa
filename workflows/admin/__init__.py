"""The pages of what should run."""

from workflows.admin import workflows

__all__ = ["workflows"]
