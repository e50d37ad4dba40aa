"""Every error is a problem of RFC 9457 with the older client's keys, wherever it comes from and whoever asks."""

import logging
from http import HTTPStatus

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.test import Client
from pytest_django import Settings

from tests.api.clients import PROBLEM, Answer, Api, with_token
from tests.api.documents import new
from tests.api.house import House
from workflows import services
from workflows.models import Workflow

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SECRET = "the password is swordfish"


def check(answer: Answer, status: int, code: str, *, errors: list[str] | None = None) -> None:
    """It is a problem in its full form, and no more than that."""
    assert (answer.status, answer.type) == (status, PROBLEM), answer.content[:300]
    body = answer.json
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "error", "message"}
    assert (body["type"], body["title"]) == ("about:blank", HTTPStatus(status).phrase)
    assert (body["status"], body["error"]) == (status, code)
    assert body["detail"] == body["message"] != ""
    assert sorted(body.get("errors", [])) == sorted(errors or [])
    for texts in body.get("errors", {}).values():
        assert texts
        assert all(isinstance(text, str) and text for text in texts)


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def debug(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.DEBUG = request.param


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("accept", ["*/*", "application/json", BROWSER, "image/png", ""])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api//", "/api/workspaces/a/b/c", "/api/%00/%FF"])
def test_an_unknown_path_of_the_api_is_a_problem_for_everybody(db: None, path: str, accept: str) -> None:
    check(Api().ask("GET", path, Accept=accept), 404, "NOT_FOUND")


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("path", ["/nothing", "/apiary", "/apiary/", "/admin-of-all", "/healthz/more", "/api.json"])
def test_an_unknown_path_elsewhere_is_a_page_for_browsers_and_a_problem_for_programs(db: None, path: str) -> None:
    page = Api().ask("GET", path, Accept=BROWSER)

    assert (page.status, page.type.split(";")[0]) == (404, "text/html")
    check(Api().ask("GET", path, Accept="*/*"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "application/*+xml", "nonsense", "application/json2"]
)
def test_who_accepts_no_json_gets_406(house: House, accept: str) -> None:
    check(house.owner.ask("GET", house.path, Accept=accept), 406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json; indent=4", BROWSER, "a/b, */*;q=0"])
def test_who_accepts_it_among_others_gets_json(house: House, accept: str) -> None:
    answer = house.owner.ask("GET", house.path, Accept=accept)

    assert (answer.status, answer.type) == (200, "application/json")


FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""]


@pytest.mark.parametrize("kind", [*FORMS, "application/json2", "text/json", "nonsense"])
def test_a_body_of_another_type_is_415(house: House, kind: str) -> None:
    answer = house.owner.ask("POST", f"{house.path}/workflows", b"name=x", Content_Type=kind)

    check(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert not Workflow.objects.filter(workspace=house.workspace).exists()


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_json_by_any_of_its_names_is_read(house: House, kind: str) -> None:
    answer = house.owner.ask("POST", f"{house.path}/workflows", b"[]", Content_Type=kind)

    check(answer, 400, "VALIDATION_ERROR", errors=["body"])


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_there_is_not_is_405(house: House, method: str) -> None:
    answer = house.owner.ask(method, house.path)

    check(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, HEAD, PATCH"


@pytest.mark.parametrize("path", ["/api/docs", "/api/schema"])
def test_so_it_is_where_a_page_or_a_document_is_rendered(db: None, path: str) -> None:
    check(Api().ask("POST", path), 405, "METHOD_NOT_ALLOWED")


def test_malformed_json_is_400(house: House) -> None:
    check(house.owner.post(f"{house.path}/workflows", b'{"name": '), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize("body", [b"x" * 1025, b'"' + b"x" * 2_000 + b'"', b"{" * 100_000])
def test_a_body_that_is_too_large_is_413(house: House, settings: Settings, body: bytes) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    for api in (house.owner, house.api("owner")):
        check(api.post(f"{house.path}/workflows", body), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("length", [10, 2_000])
def test_a_form_is_415_by_session_too(house: House, settings: Settings, length: int) -> None:
    """The check of the CSRF token looks for it in the form."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024
    session = Api(user=house.people["owner"], csrf=True)
    session.client.cookies["csrftoken"] = "x" * 32

    answer = session.ask("POST", f"{house.path}/workflows", b"a=" + b"x" * length, Content_Type=FORMS[1])

    check(answer, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a b", "[::", "", "x" * 10_000])
def test_a_host_that_is_not_ours_is_400(house: House, settings: Settings, host: str) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]

    for path in ("/api/workspaces", "/api/nothing", "/nothing"):
        response = Client().get(path, headers={"Host": host, "Accept": "application/json"})
        check(Answer(response.status_code, response.headers, response.content), 400, "VALIDATION_ERROR")


def test_a_write_by_session_needs_a_csrf_token(house: House) -> None:
    session = Api(user=house.people["owner"], csrf=True)
    path, body = f"{house.path}/workflows", new()

    check(session.post(path, body), 403, "FORBIDDEN")
    check(session.post(path, body, X_CSRFToken="x" * 32), 403, "FORBIDDEN")
    assert not Workflow.objects.filter(workspace=house.workspace).exists()
    session.client.cookies["csrftoken"] = "x" * 32
    assert session.get(house.path).status == 200
    assert session.post(path, body, X_CSRFToken="x" * 32).status == 201


def test_a_write_by_token_needs_none(house: House) -> None:
    assert with_token(house.people["owner"], csrf=True).post(f"{house.path}/workflows", new()).status == 201


class Broken(Exception):
    """What nobody foresaw."""


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("accept", ["application/json", BROWSER])
def test_what_nobody_foresaw_is_500_and_says_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    def fail(**_: object) -> None:
        raise Broken(SECRET)

    monkeypatch.setattr(services, "create", fail)

    answer = with_token(house.people["owner"], raising=False).post(f"{house.path}/workflows", new(), Accept=accept)

    check(answer, 500, "INTERNAL_ERROR")
    for told in (SECRET, "Broken", "Traceback", "services.py", "swordfish"):
        assert told not in answer.content.decode()
    assert SECRET in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.usefixtures("debug")
def test_so_it_is_before_a_view_is_reached(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Broken(SECRET)

    monkeypatch.setattr(SessionMiddleware, "process_request", fail)
    logging.getLogger("django.request").disabled = True

    answer = Api(raising=False).ask("GET", "/api/workspaces", Accept=BROWSER)

    logging.getLogger("django.request").disabled = False
    check(answer, 500, "INTERNAL_ERROR")
    assert "swordfish" not in answer.content.decode()


def test_a_fault_in_a_definition_is_located(house: House) -> None:
    wait = {"type": "wait", "config": {"durationMs": 0}}
    actions = [wait, wait, {"type": "call_api", "config": {"url": "ftp://x"}}, {"type": "wait", "onError": "hope"}]

    answer = house.owner.post(f"{house.path}/workflows", {"name": "x", "actions": actions, "timeout": 0})

    located = ["actions[2].config.url", "actions[3].config", "actions[3].onError", "timeout"]
    check(answer, 400, "WORKFLOW_INVALID", errors=located)


def test_every_field_at_fault_is_named_at_once(house: House) -> None:
    body = {"name": "", "status": "RUNNING", "descriptoin": "x"}

    unknown = house.owner.post(f"{house.path}/workflows", body)
    check(unknown, 400, "VALIDATION_ERROR", errors=["descriptoin"])
    del body["descriptoin"]
    answer = house.owner.post(f"{house.path}/workflows", body)

    check(answer, 400, "VALIDATION_ERROR", errors=["name", "status", "actions"])
    assert "(and 2 more)" in answer.json["message"]


def test_data_of_the_clients_is_located_by_its_own_names(house: House) -> None:
    path = f"{house.path}/workflows"
    for body, where in (
        ({"metadata": {"snake_case": {"x": "\x00"}}}, "metadata.snake_case.x"),
        ({"tags": ["a", "\x00"]}, "tags[1]"),
    ):
        check(house.owner.post(path, new(**body)), 400, "VALIDATION_ERROR", errors=[where])
    refused = house.owner.post(f"{path}/{house.workflow.pk}/execute", {"triggerData": [{"a_b": 2**63}]})
    check(refused, 400, "VALIDATION_ERROR", errors=["triggerData[0].a_b"])


def test_a_trailing_slash_answers_the_same(house: House) -> None:
    made = house.owner.post(f"{house.path}/workflows/", new())
    assert made.status == 201
    own = f"{house.path}/workflows/{made.json['workflow']['id']}"
    assert made.headers["Location"] == f"/api/{own}"

    for path in (house.path, f"{house.path}/workflows", own, "action-types", "nothing"):
        plain, slash, slashes = (house.owner.get(f"{path}{end}") for end in ("", "/", "//"))
        assert plain.status == slash.status == slashes.status
        assert plain.content == slash.content == slashes.content
    assert house.owner.ask("GET", f"{house.path}/workflows/?limit=1").json["limit"] == 1
    assert house.owner.patch(f"{own}/", {"name": "Other"}).status == 200
    assert house.owner.delete(f"{own}/").status == 200
