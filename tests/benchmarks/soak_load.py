"""Starts executions at a constant rate, follows some, cancels some, looks at pages now and then; for `soak`."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MIX = ("quick",) * 12 + ("waiting",) * 2 + ("retried",) * 2 + ("failing",) * 2 + ("cancelled", "large")
FOLLOW_EACH = 10
LOOK_EACH = 50
TEXT = "x" * 100_000
PATIENCE_SECONDS = 60


@dataclass
class Load:
    """What has come of it so far. `starts`: when each was asked for (seconds since the first), and after how many ms
    the answer came."""

    port: int
    scene: dict[str, Any]
    starts: list[tuple[float, float]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, executions: int, seconds: float) -> None:
        self.began = time.monotonic()
        for number in range(executions):
            await asyncio.sleep(self.began + number * seconds / executions - time.monotonic())
            self._go(self._execute(number))
            if number % LOOK_EACH == 0:
                for page in self.scene["pages"]:
                    self._go(self._look(page))
        await asyncio.gather(*self._tasks)

    def _go(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _execute(self, number: int) -> None:
        kind = MIX[number % len(MIX)]
        body = json.dumps({"triggerData": {"text": TEXT}} if kind == "large" else {})
        asked = time.monotonic()
        status, answer = await self._ask("POST", self.scene["execute"][kind], body)
        if status != 202:
            self.faults[f"execute {status}"] += 1
            return
        self.starts.append((asked - self.began, 1000 * (time.monotonic() - asked)))
        path = f"{self.scene['executions']}/{json.loads(answer)['execution']['id']}"
        if kind == "cancelled":
            await asyncio.sleep(0.5)
            status, _ = await self._ask("POST", path)
            self.faults[f"cancel {status}"] += status != 200
        elif number % FOLLOW_EACH == 0:
            status, answer = await self._ask("GET", f"{path}/stream")
            self.faults["a stream without its end"] += b"event: complete" not in answer

    async def _look(self, page: str) -> None:
        status, _ = await self._ask("GET", page)
        self.faults[f"{page} {status}"] += status != 200

    async def _ask(self, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        """The status and all that comes; over a connection of its own, since some of them are held."""
        who = (
            "Cookie: " + self.scene["cookie"]
            if path.startswith("/admin")
            else "Authorization: Bearer " + self.scene["token"]
        )
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", who, "Connection: close"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if method == "POST" else []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write("\r\n".join([*lines, "", body]).encode())
                answer = await reader.read()
                writer.close()
        except (OSError, TimeoutError):
            return 0, b""
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1] or 0) if head else 0, rest
