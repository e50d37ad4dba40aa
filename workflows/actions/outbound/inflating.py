"""Compressed bodies, inflated piece by piece: no more than a piece is in memory, however much there is to come."""

import zlib
from collections.abc import Iterator
from itertools import chain

from workflows.actions.context import ActionError

PIECE_BYTES = 16_384
MAX_ENCODINGS = 3
GZIP = 16 + zlib.MAX_WBITS
GZIP_BEGINS = 0x1F
ZLIB_HEADER_BYTES = 2


def inflated(pieces: Iterator[bytes], content_encoding: str) -> Iterator[bytes]:
    """The pieces of a body that was encoded so, decoded; each of PIECE_BYTES at most when it was compressed.

    Raises ActionError INVALID_RESPONSE for an encoding that nobody asked for, and for what isn't encoded so or ends too
    early: half a text would pass for a whole one.
    """
    names = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    for name in reversed([name for name in names if name != "identity"]):
        if name not in {"gzip", "x-gzip", "deflate"} or len(names) > MAX_ENCODINGS:
            raise ActionError(
                "INVALID_RESPONSE",
                f"The response is encoded as {content_encoding[:100]!r}; only gzip and deflate are read. Correct the"
                " header Accept-Encoding, or leave it out.",
                retryable=False,
            )
        pieces = _gunzipped(pieces) if name.endswith("gzip") else _undeflated(pieces)
    return pieces


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Of one or more members; what comes after the last and is none is let go, as other clients do."""
    decoder, has_begun = None, False
    for piece in pieces:
        rest = piece
        while rest:
            if decoder is None and has_begun and rest[0] != GZIP_BEGINS:
                return
            decoder, has_begun = decoder or zlib.decompressobj(GZIP), True
            yield from _fed(decoder, rest)
            rest = decoder.unused_data
            decoder = None if decoder.eof else decoder
    if decoder:
        raise _broken("it ends too early")


def _undeflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`deflate` means zlib's format, and many a server sends it without zlib's header."""
    head = b""
    while len(head) < ZLIB_HEADER_BYTES and (piece := next(pieces, b"")):
        head += piece
    if not head:
        return
    has_header = head[0] & 0x0F == zlib.DEFLATED and int.from_bytes(head[:ZLIB_HEADER_BYTES]) % 31 == 0
    decoder = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
    for piece in chain([head], pieces):
        yield from _fed(decoder, piece)
        if decoder.eof:
            return
    raise _broken("it ends too early")


def _fed(decoder: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    """All that a piece gives, part by part."""
    given = PIECE_BYTES
    while piece or given == PIECE_BYTES:
        try:
            part = decoder.decompress(piece, PIECE_BYTES)
        except zlib.error as error:
            raise _broken(str(error)) from error
        piece, given = decoder.unconsumed_tail, len(part)
        if part:
            yield part


def _broken(reason: str) -> ActionError:
    return ActionError("INVALID_RESPONSE", f"The response says that it is compressed, but it can't be read: {reason}.")
