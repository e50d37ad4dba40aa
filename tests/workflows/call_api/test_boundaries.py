"""One way out: nothing else in the project speaks HTTP."""

import ast
from pathlib import Path

from django.conf import settings as project_settings


def test_nothing_else_in_the_project_speaks_http() -> None:
    outbound = Path("workflows/actions/outbound")
    allowed = {Path("workflows/actions/call_api.py")}
    root = Path(project_settings.BASE_DIR)
    speakers = {
        file.relative_to(root)
        for app in ("config", "executions", "workflows", "workspaces")
        for file in (root / app).rglob("*.py")
        if imported(file)
        & {"requests", "requests_hardened", "urllib3", "http.client", "urllib.request", "httpx", "aiohttp"}
    }
    assert Path("workflows/actions/outbound/client.py") in speakers
    assert {file for file in speakers - allowed if file.parent != outbound} == set()


def imported(file: Path) -> set[str]:
    """The modules that `file` imports, with the packages they are in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names | {name.partition(".")[0] for name in names}
