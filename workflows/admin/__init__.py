"""The pages of what should run."""

from workflows.admin import secrets, versions

__all__ = ["secrets", "versions"]
