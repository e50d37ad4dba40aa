"""Every error as `application/problem+json`: the domain's, the framework's, and what nobody foresaw."""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as ModelInvalid
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import APIException, NotAuthenticated, UnsupportedMediaType, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from config import outages
from config.rest import JSONRenderer
from executions.models import Execution
from executions.services import (
    IdempotencyConflict,
    InvalidIdempotencyKey,
    NotActive,
    NotResumable,
    TransitionNotAllowed,
)
from workflows.definition import DefinitionInvalid
from workflows.documents import DocumentError, join
from workflows.models import Workflow
from workflows.services import NameTaken, StatusNotAllowed
from workspaces.access import NotAllowed
from workspaces.models import Workspace
from workspaces.services import AlreadyMember

CONTENT_TYPE = "application/problem+json"
KEPT_HEADERS = ("Allow", "WWW-Authenticate", "Retry-After")
CODES = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMITED",
    503: "UNAVAILABLE",
}
MESSAGES = {
    400: "The request can't be understood.",
    403: "Not allowed.",
    404: "There is nothing here.",
    500: "Something went wrong on our side; the log of the server says what.",
}
# The first entry that an error is an instance of counts.
DOMAIN: dict[type[Exception], tuple[int, str]] = {
    DefinitionInvalid: (400, "WORKFLOW_INVALID"),
    DocumentError: (400, "VALIDATION_ERROR"),
    ModelInvalid: (400, "VALIDATION_ERROR"),
    InvalidIdempotencyKey: (400, "VALIDATION_ERROR"),
    NotActive: (400, "WORKFLOW_INACTIVE"),
    NotAllowed: (403, "FORBIDDEN"),
    PermissionDenied: (403, "FORBIDDEN"),
    Workspace.DoesNotExist: (404, "WORKSPACE_NOT_FOUND"),
    Workflow.DoesNotExist: (404, "WORKFLOW_NOT_FOUND"),
    Execution.DoesNotExist: (404, "EXECUTION_NOT_FOUND"),
    ObjectDoesNotExist: (404, "NOT_FOUND"),
    Http404: (404, "NOT_FOUND"),
    AlreadyMember: (409, "MEMBER_ALREADY_EXISTS"),
    NameTaken: (409, "WORKFLOW_ALREADY_EXISTS"),
    StatusNotAllowed: (409, "WORKFLOW_STATUS_NOT_ALLOWED"),
    NotResumable: (409, "EXECUTION_NOT_RESUMABLE"),
    TransitionNotAllowed: (409, "EXECUTION_NOT_CANCELLABLE"),
    IdempotencyConflict: (422, "IDEMPOTENCY_CONFLICT"),
    RequestDataTooBig: (413, "PAYLOAD_TOO_LARGE"),
    SuspiciousOperation: (400, "VALIDATION_ERROR"),
}
_MISSING = {
    "WORKSPACE_NOT_FOUND": "There is no such workspace.",
    "WORKFLOW_NOT_FOUND": "There is no such workflow in this workspace.",
    "EXECUTION_NOT_FOUND": "There is no such execution in this workspace.",
    "NOT_FOUND": "There is nothing here.",
}
_MENDS: dict[type[APIException], str] = {
    NotAuthenticated: "Send `Authorization: Bearer <token>`; `manage.py create_token` makes a token. Or sign in.",
    UnsupportedMediaType: "Send JSON, with the header `Content-Type: application/json`.",
}
_SHOWN_AS_IT_IS = (AlreadyMember, NotActive, NotResumable, NotAllowed, NameTaken, StatusNotAllowed, IdempotencyConflict)

logger = logging.getLogger(__name__)

type Errors = dict[str, list[str]]


def problem(status: int, code: str, message: str, errors: Errors | None = None) -> dict[str, Any]:
    """The body of an error: RFC 9457's members, and the three that older clients read."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "error": code,
        "message": message,
    }
    return body | {"errors": errors} if errors else body


def handler(error: Exception, context: Mapping[str, Any]) -> Response:
    """What the API answers when a view raises `error`; in JSON, whatever the view renders otherwise."""
    request = context["request"]
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    if isinstance(error, APIException):
        return _of_framework(error)
    for kind, (status, code) in DOMAIN.items():
        if isinstance(error, kind):
            errors = _located(error)
            return _response(problem(status, code, _message(error, code, errors), errors))
    if outages.is_outage(error):
        return _unavailable(request, error)
    got_request_exception.send(sender=type(context["view"]), request=request)
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return _response(problem(500, "INTERNAL_ERROR", MESSAGES[500]))


def _unavailable(request: Request, error: Exception) -> Response:
    outages.report(request.method, request.path, error)
    body = problem(503, CODES[503], outages.message_for(request.method))
    response = _response(body, {"Retry-After": str(outages.RETRY_SECONDS)})
    outages.spare_the_log(response)
    return response


def _response(body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, body["status"], headers=headers, content_type=CONTENT_TYPE)


def _of_framework(error: APIException) -> Response:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    code = str(error.get_codes()) if str(error.get_codes()).isupper() else CODES.get(error.status_code, "")
    errors = dict(_flat("", error.detail)) if isinstance(error, ValidationError) else None
    message = _first(errors) if errors else _MENDS.get(type(error), str(error.detail))
    return _response(problem(error.status_code, code or "INTERNAL_ERROR", message, errors), headers)


def _flat(path: str, detail: Any) -> Iterator[tuple[str, list[str]]]:
    """DRF's nested errors by path; a list holds either the texts of one field or the faults of its items."""
    if isinstance(detail, Mapping):
        for name, part in detail.items():
            yield from _flat(join(path, name) if isinstance(name, str) else f"{path}[{name}]", part)
    elif any(isinstance(part, Mapping | list) for part in detail):
        for index, part in enumerate(detail):
            yield from _flat(f"{path}[{index}]", part)
    elif detail:
        yield path or "body", [str(text) for text in detail]


def _located(error: Exception) -> Errors | None:
    match error:
        case DefinitionInvalid():
            errors: Errors = {}
            for fault in error.faults:
                errors.setdefault(fault.path or "body", []).append(fault.message)
            return errors
        case DocumentError():
            return {error.path or "body": [f"{error.message}."]}
        case InvalidIdempotencyKey():
            return {"Idempotency-Key": [str(error)]}
        case ModelInvalid():
            by_field = error.message_dict if hasattr(error, "error_dict") else {"body": error.messages}
            return {_camelized(field): list(texts) for field, texts in by_field.items()}
    return None


def _camelized(path: str) -> str:
    """A model's field by its name on the wire; what is behind it in the path is user data."""
    field = re.match(r"\w*", path)
    name = field[0] if field else ""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name) + path[len(name) :]


def _message(error: Exception, code: str, errors: Errors | None) -> str:
    if errors:
        return _first(errors)
    if isinstance(error, TransitionNotAllowed):
        return f"The execution is {error.current} already, and so can't be cancelled."
    if isinstance(error, _SHOWN_AS_IT_IS):
        return str(error)
    return _MISSING.get(code, MESSAGES[400])


def _first(errors: Errors) -> str:
    """A sentence for those who show one text only."""
    path, texts = next(iter(errors.items()))
    rest = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{path}: {texts[0]}{rest}"


class ProblemMiddleware:
    """For what goes wrong outside the API's views: unknown paths, hosts that aren't ours, Django's own refusals."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if _of_api(request) and request.path_info.endswith("/"):
            request.path_info = request.path_info.rstrip("/")
        response = self.get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or response.headers.get("Content-Type") == CONTENT_TYPE:
            return response
        return _instead_of(response) if is_for_programs(request) else response


def is_for_programs(request: HttpRequest) -> bool:
    """The API answers with problems, whoever asks; elsewhere browsers get pages."""
    return _of_api(request) or "text/html" not in request.headers.get("Accept", "")


def _of_api(request: HttpRequest) -> bool:
    return f"{request.path_info}/".startswith(f"{settings.API_PATH}/")


def _instead_of(response: HttpResponseBase) -> HttpResponse:
    status = response.status_code
    code = CODES.get(status, "INTERNAL_ERROR")
    message = MESSAGES.get(status, f"{HTTPStatus(status).phrase}.")
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    return HttpResponse(orjson.dumps(problem(status, code, message)), CONTENT_TYPE, status, headers=headers)
