"""What is sent."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project_settings

from tests.workflows.call_api.calls import call, context, sent
from tests.workflows.call_api.conftest import Serve
from tests.workflows.http_server import Server, replying
from workflows.actions.call_api import CallApiConfig, call_api, preview_request
from workflows.actions.registry import find


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_it_sends_each_method_and_gives_back_what_came(serve: Serve, method: str) -> None:
    server = serve(replying(200, b'{"ok": [1, 2.5, null]}', content_type="application/json", x_trace="7"))
    output = call(f"{server.url}/orders?a=1", method=method)
    assert (server.received[0].method, server.received[0].path) == (method, "/orders?a=1")
    assert output["status"] == 200
    assert output["ok"] is True
    assert output["headers"]["x-trace"] == "7"
    assert output["url"] == f"{server.url}/orders?a=1"
    assert 0 <= output["durationMs"] < 5_000
    assert output["body"] == (None if method == "HEAD" else {"ok": [1, 2.5, None]})


def test_it_adds_the_query_to_the_urls_own(server: Server) -> None:
    query = {"q": "a b&c", "tag": ["x", 2, None], "no": None, "yes": True, "n": 1.5, "ü": "ß"}
    call(f"{server.url}/find?page=3", query=query)
    assert server.received[0].path == "/find?page=3&q=a+b%26c&tag=x&tag=2&yes=true&n=1.5&%C3%BC=%C3%9F"


def test_it_says_who_calls_and_for_which_step(server: Server) -> None:
    headers = sent(server).headers
    version = tomllib.loads((Path(project_settings.BASE_DIR) / "pyproject.toml").read_text())["project"]["version"]
    assert headers["user-agent"] == f"Trilith/{version}"
    assert headers["idempotency-key"] == context().idempotency_key
    assert headers["accept-encoding"] == "gzip, deflate"
    assert headers["host"] == server.authority


def test_headers_of_the_config_go_before_the_clients_own(server: Server) -> None:
    headers = sent(server, headers={"idempotency-key": "mine", "USER-AGENT": "x", "X-Id": "  é "}).headers
    assert (headers["idempotency-key"], headers["user-agent"], headers["x-id"]) == ("mine", "x", "é")


@pytest.mark.parametrize(
    ("config", "body", "content_type"),
    [
        ({"json": {"name": "Zoë", "n": [1, None]}}, '{"name":"Zoë","n":[1,null]}', "application/json"),
        ({"json": 0}, "0", "application/json"),
        ({"body": {"a": 1}}, '{"a":1}', "application/json"),
        ({"body": [1]}, "[1]", "application/json"),
        ({"body": "plain ß"}, "plain ß", "text/plain; charset=utf-8"),
        ({"form": {"a": "1 2", "b": [True, 3]}}, "a=1+2&b=true&b=3", "application/x-www-form-urlencoded"),
        ({"body": "<a/>", "headers": {"Content-Type": "text/xml"}}, "<a/>", "text/xml"),
        ({"json": None, "body": None}, "", None),
    ],
)
def test_it_sends_the_body_as_its_kind(
    server: Server, config: dict[str, Any], body: str, content_type: str | None
) -> None:
    request = sent(server, method="POST", **config)
    assert request.body.decode() == body
    assert request.headers.get("content-type") == content_type
    assert request.headers["content-length"] == str(len(body.encode()))


def test_a_get_may_have_a_body(server: Server) -> None:
    assert sent(server, json={"query": 1}).body == b'{"query":1}'


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ({"type": "basic", "username": "zoë", "password": "p:w"}, "authorization", "Basic em/DqzpwOnc="),
        ({"type": "bearer", "token": "t0k"}, "authorization", "Bearer t0k"),
        ({"type": "header", "name": "X-Api-Key", "value": "k3y"}, "x-api-key", "k3y"),
    ],
)
def test_it_authenticates(server: Server, auth: dict[str, str], name: str, value: str) -> None:
    assert sent(server, auth=auth, headers={name: "overruled"}).headers[name] == value


def test_the_environments_proxies_and_netrc_are_not_used(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy, server = serve(replying()), serve(replying())
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert "authorization" not in sent(server).headers
    assert proxy.received == []


@pytest.mark.parametrize(
    ("auth", "name"),
    [
        ({"type": "bearer", "token": "s3cret"}, "Authorization"),
        ({"type": "header", "name": "X-Token", "value": "s3cret"}, "X-Token"),
    ],
)
def test_a_preview_shows_the_request_without_credentials_and_sends_nothing(
    server: Server, auth: dict[str, str], name: str
) -> None:
    config = {"url": f"{server.url}/a", "method": "POST", "query": {"b": 1}, "json": {"c": [2]}, "auth": auth}
    preview: Any = preview_request(CallApiConfig.model_validate({**config, "headers": {"Cookie": "s3cret"}}), context())
    request = preview["request"]
    assert (request["method"], request["url"], request["body"]) == ("POST", f"{server.url}/a?b=1", {"c": [2]})
    assert request["headers"][name] == request["headers"]["Cookie"] == "***"
    assert request["headers"]["Idempotency-Key"] == context().idempotency_key
    assert "s3cret" not in json.dumps(preview)
    assert server.received == []


@pytest.mark.parametrize(
    ("config", "body"), [({"form": {"a": [1, 2]}}, "a=1&a=2"), ({"body": "text"}, "text"), ({}, None)]
)
def test_a_preview_shows_any_other_body_as_its_text(config: dict[str, Any], body: str | None) -> None:
    made: Any = preview_request(CallApiConfig.model_validate({"url": "https://example.org/", **config}), context())
    assert made["request"]["body"] == body


def test_it_is_registered_with_its_schema_and_preview() -> None:
    registered = find("call_api")
    assert (registered.handler, registered.preview, registered.pure) == (call_api, preview_request, False)
    properties = registered.json_schema()["properties"]
    assert {"url", "json", "expectedStatuses", "verifyTls", "maxResponseBytes"} <= set(properties)
