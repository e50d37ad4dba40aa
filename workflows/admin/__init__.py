"""The pages of what should run."""

from workflows.admin import versions

__all__ = ["versions"]
