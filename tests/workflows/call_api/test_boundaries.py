"""One way out: nothing else in the project opens a connection to anywhere but its own database and brokers."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings as project_settings

OUTBOUND = Path("workflows/actions/outbound")
# Whatever opens connections, by the module or by the function.
SPEAKERS = {
    *("requests", "requests_hardened", "urllib3", "http.client", "urllib.request", "httpx", "httpcore", "aiohttp"),
    *("ftplib", "imaplib", "poplib", "nntplib", "telnetlib", "smtplib", "xmlrpc", "paramiko", "websockets", "grpc"),
    *("socket.create_connection", "socket.socket", "socket.getaddrinfo", "socket.gethostbyname", "socket.socketpair"),
    *("asyncio.open_connection", "asyncio.open_unix_connection"),
    *("ssl", "multiprocessing.connection", "webbrowser", "redis", "kombu", "boto3", "botocore", "dns"),
}
# What is meant: the call's config holds a request that the client has prepared, and two look at Celery's broker, which
# is the operator's own, as psycopg's server is, Django's for mails, and OpenTelemetry's collector. Isolated attempts
# and their starter speak by a pipe.
ALLOWED = {
    Path("workflows/actions/call_api.py"): {"requests"},
    Path("config/checks.py"): {"kombu"},
    Path("executions/engine/feeder.py"): {"kombu"},
    Path("executions/engine/forks.py"): {"multiprocessing.connection"},
    Path("executions/engine/isolation.py"): {"multiprocessing.connection", "socket.socket"},
    Path("executions/engine/isolated.py"): {"multiprocessing.connection"},
}


def test_nothing_else_in_the_project_speaks_to_anybody() -> None:
    root = Path(project_settings.BASE_DIR)
    found = {
        file.relative_to(root): set(used(ast.parse(file.read_text()))) & SPEAKERS
        for app in ("config", "executions", "workflows", "workspaces")
        for file in (root / app).rglob("*.py")
    }
    assert found[OUTBOUND / "client.py"]
    others = {file: names for file, names in found.items() if names and OUTBOUND not in file.parents}
    assert others == ALLOWED


def used(tree: ast.Module) -> Iterator[str]:
    """The modules and their parts that are imported, with the packages around them, and each `module.part` in use."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for each in names:
                    yield from _around(each.name)
            case ast.ImportFrom(module=str(module), names=names):
                for each in names:
                    yield from _around(f"{module}.{each.name}")
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                yield f"{name}.{attr}"


def _around(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def test_it_sees_what_it_looks_for() -> None:
    program = (
        "import socket, os.path\nfrom http.client import HTTPSConnection\nsocket.create_connection(a)\nx.y.system()"
    )
    assert {"socket.create_connection", "http.client", "os.path"} <= set(used(ast.parse(program)))
    assert not {"os.system", "requests"} & set(used(ast.parse(program)))
