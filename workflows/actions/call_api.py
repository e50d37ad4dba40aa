"""`call_api`: one HTTP request, and its response as JSON."""

import base64
import json
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, model_validator
from requests.structures import CaseInsensitiveDict

from workflows.actions.context import ActionContext, ActionError
from workflows.actions.outbound.addresses import url_fault
from workflows.actions.outbound.client import Answer, Call, Limits, prepare, send
from workflows.actions.outbound.content import parsed
from workflows.actions.registry import ActionConfig, action
from workflows.documents import DocumentError, Json, encode

DEFAULT_HEADERS = {"User-Agent": "Trilith/0.1.0", "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
MASK = "***"
MASKED_HEADERS = {"authorization", "cookie", "proxy-authorization", "x-api-key"}
# The client sets these itself; two opinions on where a request ends are how requests get smuggled.
CLIENT_HEADERS = {"connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

type Scalar = str | int | float | bool | None
type Fields = dict[str, Scalar | list[Scalar]]


def _url(value: str) -> str:
    if fault := url_fault(value):
        raise ValueError(f"The URL {fault}")
    return value


def _header_name(name: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} isn't a header name; use letters, digits and hyphens.")
    if name.lower() in CLIENT_HEADERS:
        raise ValueError(f"{name} is set by the client itself; remove it.")
    return name


def _header_value(value: str) -> str:
    stripped = value.strip(" \t")
    if not HEADER_VALUE.fullmatch(stripped):
        raise ValueError("A header's value is one line of Latin-1; remove line breaks, control and other characters.")
    return stripped


type HeaderName = Annotated[str, AfterValidator(_header_name)]
type HeaderValue = Annotated[str, AfterValidator(_header_value)]


class BasicAuth(ActionConfig):
    type: Literal["basic"]
    username: str = Field(pattern=r"^[^:]*$")
    password: str = Field(repr=False)

    def header(self) -> tuple[str, str]:
        pair = f"{self.username}:{self.password}".encode()
        return "Authorization", f"Basic {base64.b64encode(pair).decode()}"


class BearerAuth(ActionConfig):
    type: Literal["bearer"]
    token: HeaderValue = Field(min_length=1, repr=False)

    def header(self) -> tuple[str, str]:
        return "Authorization", f"Bearer {self.token}"


class HeaderAuth(ActionConfig):
    type: Literal["header"]
    name: HeaderName
    value: HeaderValue = Field(repr=False)

    def header(self) -> tuple[str, str]:
        return self.name, self.value


type Auth = Annotated[BasicAuth | BearerAuth | HeaderAuth, Field(discriminator="type")]
type StatusCode = Annotated[int, Field(ge=100, le=599)]
type StatusPattern = Annotated[str, Field(pattern=r"^[1-5]([0-9][0-9]|xx)$")]


class CallApiConfig(ActionConfig):
    """At most one of `json`, `form` and `body` (text as it is; an object or a list is sent as JSON)."""

    url: Annotated[str, AfterValidator(_url)] = Field(max_length=8_192)
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    query: Fields = Field(default_factory=dict)
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    json_: Json = Field(None, alias="json")
    form: Fields | None = None
    body: str | dict[str, Json] | list[Json] | None = None
    auth: Auth | None = None
    expected_statuses: list[StatusCode | StatusPattern] = Field(default=["2xx"], min_length=1)
    follow_redirects: bool = True
    verify_tls: bool = True
    timeout_ms: int | None = Field(None, ge=1)
    max_response_bytes: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        bodies = {"json": self.json_, "form": self.form, "body": self.body}
        given = [name for name, value in bodies.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"Both {' and '.join(given)} are given; keep one of them.")
        return self

    @property
    def json_body(self) -> Json:
        """What is sent as JSON; None when the body is of another kind."""
        return self.json_ if isinstance(self.body, str | None) else self.body

    def expects(self, status: int) -> bool:
        wanted = {str(expected) for expected in self.expected_statuses}
        return str(status) in wanted or f"{status // 100}xx" in wanted


def preview_request(config: CallApiConfig, context: ActionContext) -> Json:
    """What would be sent, with the credentials masked. Nothing is resolved or connected to."""
    request = _call(config, context).request
    hidden = MASKED_HEADERS | ({config.auth.header()[0].lower()} if config.auth else set())
    headers: Json = {name: MASK if name.lower() in hidden else value for name, value in request.headers.items()}
    body = config.json_body if config.json_body is not None else _text(request.body)
    return {"request": {"method": request.method, "url": request.url, "headers": headers, "body": body}}


@action("call_api", config=CallApiConfig, preview=preview_request, isolated=False)
def call_api(config: CallApiConfig, context: ActionContext) -> Json:
    """Sends an HTTP request and gives back status, headers and the body by its content type.

    A status that isn't expected fails the step; 408, 425, 429 and 5xx may be tried again. Each try carries the same
    `Idempotency-Key`. Addresses inside the house are refused unless the operator allows them.
    """
    answer = send(_call(config, context), expects=config.expects, limits=_limits(config, context))
    context.log(f"{config.method} answered {answer.status} in {answer.duration_ms} ms")
    return _output(answer)


def _call(config: CallApiConfig, context: ActionContext) -> Call:
    body, content_type = _encoded(config)
    headers = CaseInsensitiveDict[str](DEFAULT_HEADERS)
    headers["Idempotency-Key"] = context.idempotency_key
    if context.traceparent:
        headers["traceparent"] = context.traceparent
    if content_type:
        headers["Content-Type"] = content_type
    headers.update(config.headers)
    if config.auth:
        headers.update([config.auth.header()])
    return prepare(method=config.method, url=config.url, query=_pairs(config.query), headers=headers, body=body)


def _encoded(config: CallApiConfig) -> tuple[bytes | None, str | None]:
    """The body's bytes and their content type."""
    if config.form is not None:
        return urlencode(_pairs(config.form)).encode(), "application/x-www-form-urlencoded"
    match config.json_body:
        case None if config.body is None:
            return None, None
        case None:
            return str(config.body).encode(), "text/plain; charset=utf-8"
        case value:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"


def _text(body: object) -> str | None:
    return body.decode() if isinstance(body, bytes) else None


def _pairs(fields: Fields) -> list[tuple[str, str]]:
    """A list gives a pair for each value, null leaves its name out, true and false are written as in JSON."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value))
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
        if value is not None
    ]


def _limits(config: CallApiConfig, context: ActionContext) -> Limits:
    left = context.remaining()
    return Limits(
        seconds=left if config.timeout_ms is None else min(left, config.timeout_ms / 1000),
        cancelled=context.cancelled,
        max_bytes=config.max_response_bytes,
        verify_tls=config.verify_tls,
        follow_redirects=config.follow_redirects,
    )


def _output(answer: Answer) -> Json:
    output: Json = {
        "status": answer.status,
        "ok": answer.status in range(200, 300),
        "headers": dict(answer.headers),
        "body": parsed(answer.body, answer.headers.get("content-type", "")),
        "url": answer.url,
        "durationMs": answer.duration_ms,
    }
    try:
        encode(output)
    except DocumentError as error:
        raise ActionError("INVALID_RESPONSE", f"The response can't be stored: {error}.", retryable=False) from error
    return output
