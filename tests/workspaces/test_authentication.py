"""`Authorization: Bearer <token>`: who asks, and 401 with what to do for everything that is no token."""

import logging

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from tests.factories import UserFactory
from workspaces import tokens
from workspaces.api.authentication import MALFORMED, UNKNOWN, BearerAuthentication
from workspaces.models import ApiToken

pytestmark = pytest.mark.django_db


class WhoAmI(APIView):
    authentication_classes = (BearerAuthentication, SessionAuthentication)
    permission_classes = (IsAuthenticated,)
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username(), "token": getattr(request.auth, "name", None)})

    post = get


@pytest.fixture
def text() -> str:
    return tokens.issue(user=UserFactory.create(username="ada"), name="ci", scopes=["read"])[1]


def asked(header: str | None, method: str = "get") -> Response:
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    request = getattr(APIRequestFactory(enforce_csrf_checks=True), method)("/", **headers)
    request.user = AnonymousUser()
    response = WhoAmI.as_view()(request)
    assert isinstance(response, Response)
    return response


def refusal(header: str) -> str:
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=header))
    with pytest.raises(AuthenticationFailed) as raised:
        BearerAuthentication().authenticate(request)
    return str(raised.value.detail)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", " Bearer", "Bearer "])
def test_the_token_says_who_asks(text: str, scheme: str) -> None:
    response = asked(f"{scheme} {text}")

    assert (response.status_code, response.data) == (200, {"user": "ada", "token": "ci"})


def test_a_write_with_a_token_needs_no_csrf_token(text: str) -> None:
    assert asked(f"Bearer {text}", "post").status_code == 200


def test_without_the_header_a_session_says_it() -> None:
    request = APIRequestFactory().get("/")
    request.user = UserFactory.create(username="grace")

    response = WhoAmI.as_view()(request)

    assert isinstance(response, Response)
    assert (response.status_code, response.data) == (200, {"user": "grace", "token": None})


def test_the_token_goes_before_the_session(text: str) -> None:
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {text}")
    request.user = UserFactory.create(username="grace")

    response = WhoAmI.as_view()(request)

    assert isinstance(response, Response)
    assert response.data == {"user": "ada", "token": "ci"}


@pytest.mark.parametrize("header", [None, "", " ", "Basic YTpi", "Token abc", "Bearertri_x", "tri_x", "é", "\xff\x00"])
def test_no_header_or_one_of_another_scheme_is_for_others_to_judge(header: str | None) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = asked(header)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert not queries


MALFORMED_CREDENTIALS = ["", "  ", "a b", "a, Bearer b", "é", "\xff\xfe", "a\xa0b", "☃", "\ud800", "tri_\x80"]


@pytest.mark.parametrize("credentials", MALFORMED_CREDENTIALS)
def test_a_malformed_header_is_401_with_its_form_and_without_a_query(credentials: str) -> None:
    header = f"Bearer {credentials}"
    with CaptureQueriesContext(connection) as queries:
        response = asked(header)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert refusal(header) == MALFORMED
    assert not queries


@pytest.mark.parametrize("credentials", ["x", "tri_", "'", "%00", "\x00", f"tri_{'A' * 43}", "x" * 100_000, "null"])
def test_an_unknown_token_is_401_with_what_to_do(text: str, credentials: str) -> None:
    assert asked(f"Bearer {credentials}").status_code == 401
    assert refusal(f"Bearer {credentials}") == UNKNOWN


def test_a_revoked_token_is_401_even_beside_a_session(text: str) -> None:
    tokens.revoke(token=ApiToken.objects.get())
    request = APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {text}")
    request.user = UserFactory.create()

    assert WhoAmI.as_view()(request).status_code == 401


def test_a_token_is_neither_logged_nor_said(text: str, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("", "django.db.backends"):
        caplog.set_level(logging.DEBUG, logger)
    with CaptureQueriesContext(connection) as queries:
        for header in (f"Bearer {text}", f"Bearer {text[:-1]}", f"Bearer {text} x", f"Bearer {text}é"):
            response = asked(header)
            assert text[8:-1] not in f"{response.data} {response.headers}"

    assert "SELECT" in caplog.text  # what Django logs when it debugs, with the parameters
    assert text[8:-1] not in f"{caplog.text} {queries.captured_queries}"
