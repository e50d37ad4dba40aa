"""Clients that read one byte a second: what they cost the server, and whether others feel it.

`stream.slow_clients_mb`: what 50 of them add to the server's memory while the execution that they follow makes 2.5 MB
of events for each; `stream.slow_clients_latency_ratio`: the median latency of 16 other clients, beside that without.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from rich.console import Console

CLIENTS = 50
STREAMS_OF_A_USER = 20
TURNS = 3
BYTES_OF_A_STEP = 60_000


def measure(server: Any, latencies: Callable[[], list[float]], console: Console) -> dict[str, float]:
    """`latencies` watches an execution with other clients, and tells how long each of its events took to them (ms)."""
    alone, beside, megabytes = [], [], 0.0
    for _ in range(TURNS):
        alone.append(median(latencies()))
        before = server.resident_kb
        with _reading_slowly(server) as execution_id:
            server.ended(execution_id)
            megabytes = max(megabytes, (server.resident_kb - before) / 1024)
            beside.append(median(latencies()))
    ratio = median(beside) / median(alone)
    console.print(f"{CLIENTS} clients that read a byte a second take {megabytes:.1f} MB of the server's memory")
    console.print(
        f"events come to others after {median(beside):.2f} ms, and without those after {median(alone):.2f} ms"
    )
    return {"stream.slow_clients_mb": round(megabytes, 1), "stream.slow_clients_latency_ratio": round(ratio, 2)}


@contextmanager
def _reading_slowly(server: Any) -> Iterator[str]:
    """They open their streams in the execution's first step, which waits for them."""
    execution_id = server.execute("heavy", {"triggerData": {"text": "x" * BYTES_OF_A_STEP}})
    opened = [
        _opened(server, execution_id, server.scene["tokens"][turn // STREAMS_OF_A_USER]) for turn in range(CLIENTS)
    ]
    is_over = threading.Event()
    reader = threading.Thread(target=_read, args=(opened, is_over), daemon=True)
    reader.start()
    try:
        yield execution_id
    finally:
        is_over.set()
        reader.join()
        for each in opened:
            each.close()


def _opened(server: Any, execution_id: str, token: str) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", server.port))
    path = f"{server.scene['executions']}/{execution_id}/stream"
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    if not client.recv(12).endswith(b"200"):
        raise RuntimeError("a stream was refused")
    return client


def _read(clients: list[socket.socket], is_over: threading.Event) -> None:
    while not is_over.wait(1):
        for each in clients:
            each.recv(1)
