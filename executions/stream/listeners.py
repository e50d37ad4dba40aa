"""Those in this process who listen to a channel."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from django_eventstream.views import Listener, ListenerManager


@asynccontextmanager
async def listening(manager: ListenerManager, channel: str) -> AsyncIterator[Listener]:
    """A listener that gets each event of the channel from here on, unless it falls behind: then it says `overflow`."""
    listener = Listener()
    listener.assign_loop()
    listener.channels = {channel}
    manager.add_listener(listener)
    try:
        yield listener
    finally:
        manager.remove_listener(listener)


def taken(manager: ListenerManager, listener: Listener) -> tuple[list[Any], bool]:
    """What waits for the listener, and whether something was dropped since the last time: it had fallen behind."""
    with manager.lock:
        events = [event for waiting in listener.channel_items.values() for event in waiting]
        listener.channel_items.clear()
        has_gap, listener.overflow = listener.overflow, False
    return events, has_gap
