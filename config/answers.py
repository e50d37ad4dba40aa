"""A whole answer to an HTTP request, as it stands before a server sends it."""

from dataclasses import dataclass

import orjson
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable

from config.policy import headers_of
from config.problems import CONTENT_TYPE, problem

type Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` have names in lower case."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Empty where there is none."""
        return next((value for key, value in self.headers if key == name), b"")

    async def send(self, send: ASGISendCallable, *, is_last: bool = True) -> None:
        """`is_last`: nothing is to happen before the response ends."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers, "trailers": False})
        await send({"type": "http.response.body", "body": self.body, "more_body": not is_last})


def problem_answer(status: int, code: str, message: str) -> Answer:
    """An error after which the connection ends."""
    body = orjson.dumps(problem(status, code, message))
    own = {"content-type": CONTENT_TYPE, "content-length": str(len(body)), "connection": "close"}
    headers = [*own.items(), *headers_of("")]
    return Answer(status, [(name.lower().encode(), value.encode()) for name, value in headers], body)


async def left(receive: ASGIReceiveCallable) -> None:
    """Comes back once the client has gone; what it still sends is let by."""
    while (await receive())["type"] != "http.disconnect":
        pass
