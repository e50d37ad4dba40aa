"""The admin's look. Nothing else names the theme, and Django's own classes of these names would do in its place."""

from unfold.admin import ModelAdmin, TabularInline

__all__ = ["ModelAdmin", "TabularInline"]
