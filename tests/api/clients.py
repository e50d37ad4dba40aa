"""Who calls the API in a test: `owner.post("workspaces/sales/tokens", {"name": "ci"})`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.test import Client

from workspaces import tokens
from workspaces.models import Scope, Workspace

JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> str:
        """The code of a problem, which the body has to be."""
        assert self.type == PROBLEM, f"{self.status} {self.type}: {self.content[:200]!r}"
        return str(self.json["error"])


class Api:
    """One caller, by a token or else by a session; paths count from `/api/`, bodies go out as JSON unless bytes."""

    def __init__(
        self, *, token: str | None = None, user: User | None = None, csrf: bool = False, raising: bool = True
    ) -> None:
        self.client = Client(enforce_csrf_checks=csrf, raise_request_exception=raising, SERVER_NAME="localhost")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        if user:
            self.client.force_login(user)

    def get(self, path: str, /, **query: Any) -> Answer:
        return self.ask("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("PATCH", path, body, **headers)

    def delete(self, path: str) -> Answer:
        return self.ask("DELETE", path)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Headers by their names with `_` for `-`. A path that begins with `/` counts from the server's root."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = sent.pop("Content-Type", JSON)
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        where = path if path.startswith("/") else f"/api/{path}"
        response = self.client.generic(method, where, content, kind, headers=self.headers | sent)
        return Answer(response.status_code, response.headers, b"".join(response))


def with_token(user: User, *scopes: str, workspace: Workspace | None = None, **options: Any) -> Api:
    """Speaks for the user by a new token, of all scopes unless some are named."""
    _, text = tokens.issue(user=user, name="test", scopes=scopes or Scope.values, workspace=workspace)
    return Api(token=text, **options)
