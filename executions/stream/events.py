"""Server-Sent Events. Each one's data is a JSON object on one line, so no text in it can pass for another event."""

from typing import Any

import orjson
from django_eventstream.utils import sse_encode_event

from executions.stream.overview import Sheet
from executions.stream.reading import Reading

KEEP_ALIVE = b":\n\n"


def encoded(kind: str, data: Any, position: int | None = None) -> bytes:
    text: str = sse_encode_event(kind, orjson.dumps(data).decode(), event_id=position)
    return text.encode()


def events_of(reading: Reading) -> bytes:
    """Each change with the progress after it, and the end, if it has come."""
    progress = encoded("progress", reading.progress)
    parts = [encoded("step", change.step, change.position) + progress for change in reading.changes]
    if reading.ending:
        parts += [] if reading.changes else [progress]
        parts.append(encoded("complete", reading.ending, reading.position))
    return b"".join(parts)


def states_of(sheet: Sheet, cursor: int = 0) -> bytes:
    """For a client that has come as far as `cursor`. Who is cut off before the last one begins anew with the first."""
    since, until = max(sheet.since, cursor), max(sheet.cursor, cursor)
    last = len(sheet.states) - 1
    return b"".join(
        encoded("execution", state, until if number == last else since) for number, state in enumerate(sheet.states)
    )
