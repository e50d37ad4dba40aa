"""Where an answer begins and ends, read so strictly that nobody can take it for another, and never without end."""

import http.client
import re
from http import HTTPStatus
from io import BufferedIOBase
from typing import Any, cast, override

MAX_BYTES = 256 * 1024
MAX_INTERIM = 20
INTERIM = range(100, 200)
# Python takes more for a number than HTTP does: signs, underscores, digits of other scripts.
LENGTH = re.compile(r"[0-9]{1,18}")


class _Bounded:
    """Reads lines until there are too many: a hundred of 64 KiB each would be allowed otherwise."""

    def __init__(self, whole: BufferedIOBase) -> None:
        self._whole = whole
        self._left = MAX_BYTES

    def readline(self, limit: int) -> bytes:
        line = self._whole.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise http.client.HTTPException(f"a head of more than {MAX_BYTES:,} bytes")
        return line

    def close(self) -> None:
        self._whole.close()


class Head(http.client.HTTPResponse):
    """Raises HTTPException for what the original lets pass: lines that are no header, interim answers without end."""

    @override
    def begin(self) -> None:
        whole, bounded = self.fp, _Bounded(self.fp)
        self.fp = cast(Any, bounded)
        try:
            super().begin()
        finally:
            if self.fp is cast(Any, bounded):
                self.fp = whole
        # It stops at such a line, and so takes a length that comes after it for a part of the body.
        if self.headers.defects or self.headers.get_payload():
            raise http.client.HTTPException("a line among its headers is none")
        lengths = ",".join(self.headers.get_all("content-length", [])).split(",")
        if lengths != [""] and (
            len({length.strip() for length in lengths}) > 1 or not LENGTH.fullmatch(lengths[0].strip())
        ):
            raise http.client.HTTPException("its length is not one number")

    def _read_status(self) -> tuple[str, int, str]:
        """Of the final answer: 100 is all that the original lets by, and a server may say 103 first, say."""
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if status not in INTERIM or status == HTTPStatus.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException(f"more than {MAX_INTERIM} interim answers")

    def _read_next_chunk_size(self) -> int:
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise http.client.HTTPException("a chunk's length is below 0")
        return size
