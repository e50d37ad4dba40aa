"""Lists in pages: `page` from 1, `limit` up to 100, and an envelope that names what it holds."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
MAX_PAGE = 1_000_000


class PagePagination(BasePagination):
    """`{<view.envelope>: […], total, page, limit, totalPages}`; a page behind the last is empty."""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.envelope = view.envelope
        self.page = whole_number(request, "page", default=1, least=1, most=MAX_PAGE)
        self.limit = whole_number(request, "limit", default=DEFAULT_LIMIT, least=1, most=MAX_LIMIT)
        self.total = queryset.count()
        start = (self.page - 1) * self.limit
        return list(queryset[start : start + self.limit]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                self.envelope: data,
                "total": self.total,
                "page": self.page,
                "limit": self.limit,
                "totalPages": -(-self.total // self.limit),
            }
        )

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            _parameter("page", "Which page, from 1.", MAX_PAGE, 1),
            _parameter("limit", "How many of them.", MAX_LIMIT, DEFAULT_LIMIT),
        ]


def whole_number(request: Request, name: str, *, default: int, least: int, most: int) -> int:
    """The query parameter as a number within its bounds; raises ValidationError with the bounds."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    raise ValidationError({name: [f"Give a whole number from {least} to {most}."]})


def _parameter(name: str, description: str, most: int, default: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 1, "maximum": most, "default": default}
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
