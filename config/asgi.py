"""What uvicorn serves: Django's WSGI app in threads, and beside it, from start to shutdown, the executor."""

from a2wsgi import WSGIMiddleware
from a2wsgi.asgi_typing import Receive, Scope, Send
from django.conf import settings
from django.core.management.base import BaseCommand, SystemCheckError

# First of ours, since it sets Django up, which the imports below it need.
from config.wsgi import application as wsgi_application
from executions.engine import dispatch

# The stubs don't know that every response of the WSGI app can be iterated.
_pages = WSGIMiddleware(wsgi_application, workers=settings.WEB_THREADS)  # type: ignore[arg-type]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI app. What is to be streamed goes to Django's own ASGI app from here, everything else to threads."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    else:
        await _pages(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    """Runs the executor between the server's start and its shutdown; refuses to start on wrong settings."""
    await receive()
    try:
        BaseCommand(no_color=True).check()
    except SystemCheckError as error:
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    with dispatch.executor():
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
