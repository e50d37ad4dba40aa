"""What a config may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from workflows.actions.call_api import CallApiConfig


@pytest.mark.parametrize(
    ("config", "at", "says"),
    [
        ({"url": "ftp://a/b"}, "url", "https://host/path"),
        ({"url": "orders"}, "url", "https://host/path"),
        ({"url": "http://"}, "url", "https://host/path"),
        ({"url": "http://user:pw@a/"}, "url", "auth"),
        ({"url": "http://a/\r\nX: 1"}, "url", "control character"),
        ({"url": "http://a:99999/"}, "url", "isn't a URL"),
        ({"method": "TRACE"}, "method", "'GET'"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers.X-A", "line breaks"),
        ({"headers": {"X-A": "1\n"}}, "headers.X-A", "line breaks"),
        ({"headers": {"X-A": "\u20ac"}}, "headers.X-A", "Latin-1"),
        ({"headers": {"X A": "1"}}, "headers.X A", "header name"),
        ({"headers": {"Content-Length": "1"}}, "headers.Content-Length", "remove it"),
        ({"headers": {"Host": "inside"}}, "headers.Host", "remove it"),
        ({"headers": {"X-A": 1}}, "headers.X-A", "string"),
        ({"json": {}, "form": {}}, "", "Both json and form"),
        ({"form": {"a": {"b": 1}}}, "form.a", "valid"),
        ({"auth": {"type": "digest"}}, "auth", "'basic'"),
        ({"auth": {"type": "basic", "username": "a:b", "password": ""}}, "auth.basic.username", "pattern"),
        ({"auth": {"type": "bearer", "token": "a\nb"}}, "auth.bearer.token", "line breaks"),
        ({"expectedStatuses": []}, "expectedStatuses", "at least 1"),
        ({"expectedStatuses": ["6xx"]}, "expectedStatuses.0", "pattern"),
        ({"timeoutMs": 0}, "timeoutMs", "greater"),
        ({"verify": False}, "verify", "not permitted"),
    ],
)
def test_a_config_that_cannot_work_is_refused_at_its_field(config: dict[str, Any], at: str, says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        CallApiConfig.model_validate({"url": "https://example.org/", **config})
    faults = caught.value.errors()
    assert any(".".join(map(str, fault["loc"])).startswith(at) and says in fault["msg"] for fault in faults), faults


def test_secrets_are_kept_out_of_the_configs_text() -> None:
    auth = {"type": "basic", "username": "u", "password": "s3cret"}
    assert "s3cret" not in repr(CallApiConfig.model_validate({"url": "https://example.org/", "auth": auth}))
