"""The stream of a workspace: how all of its executions fare, for a dashboard. It doesn't end by itself."""

from collections.abc import AsyncGenerator, Iterator
from uuid import UUID

from executions.stream import overview
from executions.stream.boards import Boards
from executions.stream.events import KEEP_ALIVE, encoded, states_of
from executions.stream.following import woken


async def watch(boards: Boards, workspace_id: UUID, since: int) -> AsyncGenerator[bytes]:
    """The latest state of whatever changed behind the cursor `since` (0: from now), and of all that hasn't ended.

    The listener is registered before the rows are read, so nothing falls between; what both of them have is told
    twice, and its position says so.
    """
    async with boards.following(workspace_id) as listener:
        cursor = _begun(since, await boards.latest_cursor())
        yield encoded("connected", overview.connected(workspace_id), cursor)
        has_gap = True
        while True:
            if has_gap:
                async for sheet in boards.present(workspace_id, cursor):
                    yield states_of(sheet)
                    cursor = sheet.cursor
            if not await woken(listener):
                yield KEEP_ALIVE
            posts, has_gap = boards.taken(listener)
            for post in posts:
                yield post.body if post.sheet.since >= cursor else states_of(post.sheet, cursor)
                cursor = max(cursor, post.sheet.cursor)


def watch_once(workspace_id: UUID, since: int) -> Iterator[bytes]:
    """For servers that hold a thread for each response: up to now, and the client comes again with its cursor."""
    cursor = _begun(since, overview.latest_cursor())
    yield encoded("connected", overview.connected(workspace_id), cursor)
    for sheet in overview.present(workspace_id, cursor):
        yield states_of(sheet)


def _begun(since: int, latest: int) -> int:
    return min(since, latest) if since else latest
