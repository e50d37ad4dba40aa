"""Holds streams open, and notes when each event of those that are watched arrives. Started by `stream`.

Reads `{"port", "streams": [[path, token, is_watched], …]}` as a line of JSON, prints `open` once each has answered with
`connected`, and at the end of its input, for each watched stream, `[time of connection, [[event id, time], …]]`.
"""

import asyncio
import json
import re
import sys
import time
from typing import Any

_ID = re.compile(rb"^id: (\d+)$", re.MULTILINE)
AT_ONCE = 32


class Stream:
    def __init__(self, path: str, token: str, *, is_watched: bool) -> None:
        self.path, self.token, self.is_watched = path, token, is_watched
        self.arrivals: list[tuple[int, float]] = []
        self.opened_at = 0.0

    async def open(self, port: int) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        lines = (f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {self.token}", "", "")
        self.writer.write("\r\n".join(lines).encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a stream was refused: {head[:100]!r}")
        await self.reader.readuntil(b"event: connected")
        self.opened_at = time.time()

    async def follow(self) -> None:
        rest = b""
        while data := await self.reader.read(65_536):
            now = time.time()
            if self.is_watched:
                whole, _, rest = (rest + data).rpartition(b"\n")
                self.arrivals += [(int(found[1]), now) for found in _ID.finditer(whole + b"\n")]


async def main(task: dict[str, Any]) -> None:
    streams = [Stream(path, token, is_watched=is_watched) for path, token, is_watched in task["streams"]]
    turns = asyncio.Semaphore(AT_ONCE)

    async def opened(stream: Stream) -> None:
        async with turns:
            await stream.open(task["port"])

    await asyncio.gather(*map(opened, streams))
    following = [asyncio.create_task(stream.follow()) for stream in streams]
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for each in following:
        each.cancel()
    print(json.dumps([[stream.opened_at, stream.arrivals] for stream in streams if stream.is_watched]), flush=True)
    for stream in streams:
        stream.writer.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
