"""What nobody's page sent, wherever the admin takes something: no answer is a 500, for a superuser or for a guest.

It walks the site's registry, so that an admin that is new is asked too.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from functools import partial
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.test import Client
from django.urls import URLPattern, reverse
from django.urls.converters import UUIDConverter

from tests.api.house import House

VALUES = (
    "\0",
    "(",
    "9" * 30,
    "%",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "a " * 2_500,
)
ADMINS = list(admin.site._registry.values())
TOGETHER = ("q", "o", "p")
"""The search, the order and the page: each is read whatever the others are."""
NOBODY_READS = {"_facets", "all", "e"}
"""Parameters that are there or not, whatever their value."""
SENT_BY_GET = re.compile(r'<form(?![^>]*method="post").*?</form>', re.DOTALL)
LINKED = re.compile(r'href="(\?[^"]*)"')
NAMED = re.compile(r'<(?:input|select)[^>]* name="([^"]+)"')


@pytest.fixture(autouse=True)
def _unlogged() -> Iterator[None]:
    """What is refused is logged with a traceback, which takes longer than to refuse it."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def furnished(house: House) -> House:
    """With a row of each kind, and two workspaces to choose from."""
    assert all((house.workflow, house.secret, house.task, house.ended, house.token, house.elsewhere))
    house.notification_of("guest")
    Group.objects.create(name="Clerks")
    return house


@pytest.fixture(params=["superuser", "guest"])
def who(request: pytest.FixtureRequest, furnished: House) -> User:
    if request.param == "superuser":
        return User.objects.create_superuser("root")
    guest = furnished.people["guest"]
    guest.is_staff = True
    guest.save()
    return guest


@pytest.fixture
def client(who: User) -> Client:
    return signed_in(who)


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def address(of: Any, page: str) -> str:
    return reverse(f"admin:{of.opts.app_label}_{of.opts.model_name}_{page}")


def request_of(user: User) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    return request


def broken(asked: Iterable[tuple[str, partial[Any]]]) -> list[str]:
    """What was asked of those that were answered with 500 or more."""
    return [what for what, ask in asked if ask().status_code >= 500]


def parameters(of: Any, page: str) -> set[str]:
    """Those of the links and fields of a list, the one that popups have, and one that no list may take."""
    links = " ".join(unescape(link) for link in LINKED.findall(page))
    fields = NAMED.findall(" ".join(SENT_BY_GET.findall(page)))
    known = {*re.findall(r"[?&](\w+)=", links), *fields, *of.narrowed_by}
    return known - NOBODY_READS - {*TOGETHER} | {"_to_field", f"{of.opts.pk.name}__regex"}


def list_of(of: Any) -> str:
    """As a superuser sees it, to whom it shows the most."""
    root, _ = User.objects.get_or_create(username="walker", is_staff=True, is_superuser=True)
    return signed_in(root).get(address(of, "changelist")).content.decode()


def lists(client: Client, user: User) -> Iterator[tuple[str, partial[Any]]]:
    """Those that he may open: of others nothing is read."""
    for of in (each for each in ADMINS if each.has_view_permission(request_of(user))):
        where = address(of, "changelist")
        for names in (TOGETHER, *((name,) for name in sorted(parameters(of, list_of(of))))):
            for value in VALUES:
                yield f"{where} {names} {value[:30]!r}", partial(client.get, where, dict.fromkeys(names, value))


def forms(client: Client) -> Iterator[tuple[str, partial[Any]]]:
    """Each filled in by its address, and sent."""
    for of in ADMINS:
        where = address(of, "add")
        root = request_of(User(is_superuser=True, is_staff=True, is_active=True))
        fields = of.get_form(root).base_fields if of.has_add_permission(root) else ()
        for value in VALUES:
            given = {f"{name}{part}": value for name in fields for part in ("", "_0", "_1")}
            yield f"{where}?… {value[:30]!r}", partial(client.get, where, given)
            yield f"{where} {value[:30]!r}", partial(client.post, where, given)


def actions(client: Client, user: User) -> Iterator[tuple[str, partial[Any]]]:
    request = request_of(user)
    for of in ADMINS:
        where = address(of, "changelist")
        for action in of.get_actions(request):
            for value in VALUES:
                given = {"action": action, "_selected_action": value, "post": "yes"}
                yield f"{where} {action} {value[:30]!r}", partial(client.post, where, given)


def pages(client: Client) -> Iterator[tuple[str, partial[Any]]]:
    """Those of an object, and of a part of one that is there."""
    for of in ADMINS:
        there = of.model._default_manager.values_list("pk", flat=True).first()
        for pattern in of.get_urls():
            taken = pattern.pattern.converters
            if pattern.name and not all(isinstance(each, UUIDConverter) for each in taken.values()):
                for value in VALUES:
                    for where in {filled(pattern, there, value), filled(pattern, there, quote(value))}:
                        yield where[:200], partial(client.get, where)


def filled(pattern: URLPattern, there: Any, value: str) -> str:
    taken = pattern.pattern.converters
    given = {name: there if isinstance(each, UUIDConverter) else value for name, each in taken.items()}
    return reverse(f"admin:{pattern.name}", kwargs=given)


def choices(client: Client, user: User) -> Iterator[tuple[str, partial[Any]]]:
    """What fields look up while somebody types, and the search of the sidebar."""
    where = reverse("admin:autocomplete")
    for of in ADMINS:
        for field in of.get_autocomplete_fields(request_of(user)):
            for name in ("term", "page"):
                for value in VALUES:
                    given: dict[str, Any] = {
                        "app_label": of.opts.app_label,
                        "model_name": of.opts.model_name,
                        "field_name": field,
                    }
                    yield f"{field} {name}={value[:30]!r}", partial(client.get, where, given | {name: value})
    for value in VALUES:
        yield f"search {value[:30]!r}", partial(client.get, reverse("admin:search"), {"s": value})


def test_a_list_takes_any_parameter(client: Client, who: User) -> None:
    assert broken(lists(client, who)) == []


def test_a_form_is_filled_in_with_anything(client: Client) -> None:
    assert broken(forms(client)) == []


def test_anything_is_selected_for_an_action(client: Client, who: User) -> None:
    assert broken(actions(client, who)) == []


def test_anything_is_the_id_of_an_object(client: Client) -> None:
    assert broken(pages(client)) == []


def test_anything_is_looked_up_for_a_field(client: Client, who: User) -> None:
    assert broken(choices(client, who)) == []


def test_the_walk_finds_what_there_is(furnished: House) -> None:
    found = {of.opts.model_name: parameters(of, list_of(of)) for of in ADMINS}

    assert found["task"] >= {"status__exact", "priority__exact", "due", "workspace__id__exact"}
    assert found["execution"] >= {"since", "until", "workflow", "trigger"}
    assert found["auditentry"] >= {"action", "workspace", "period"}
    assert found["user"] >= {"is_staff__exact", "groups__id__exact"}
