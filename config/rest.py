"""JSON in and out of the API: one parser that takes nothing it couldn't give back unchanged, and one renderer."""

import json
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from workflows import exact

MAX_LEVELS = 100


class PayloadTooLarge(APIException):
    status_code = 413
    default_code = "PAYLOAD_TOO_LARGE"


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        if data is None:
            return b""
        try:
            return orjson.dumps(data)
        except orjson.JSONEncodeError:  # a lone surrogate of the request that an error repeats
            return json.dumps(data).encode()


class JSONParser(BaseParser):
    """Refuses with 400 what a reader after us would see otherwise than it was sent.

    That is: names that occur twice in an object, numbers that a double can't hold, NaN, and nesting without end.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            text = _text(stream)
            value = exact.loads(text)
            if text.count("[") + text.count("{") > MAX_LEVELS:
                _check_levels(value)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deep; send at most 64 levels.") from error
        except exact.NumberBeyond as error:
            raise ParseError(f"The body isn't JSON that can be kept: {error}; send it as text.") from error
        except ValueError as error:
            raise ParseError(f"The body isn't JSON that can be kept: {error}.") from error
        return value


def _text(stream: IO[bytes]) -> str:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise PayloadTooLarge(f"The body is larger than {limit:,} bytes.")
    return body.decode("utf-8")


def _check_levels(value: Any) -> None:
    """Raises RecursionError where a later reader might: how deep Python can go differs from reader to reader."""
    level, depth = [value], 0
    while level := [
        part
        for whole in level
        for part in (whole.values() if isinstance(whole, dict) else whole)
        if isinstance(part, dict | list)
    ]:
        depth += 1
        if depth > MAX_LEVELS:
            raise RecursionError
