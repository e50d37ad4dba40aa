"""Signing in at the admin's page: how often one may be wrong, and that nobody can lock out somebody else."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from tests.config.servers import serving
from workspaces import signin
from workspaces.models import AuditEntry, SignInFailure
from workspaces.speakers import network_of

PAGE = "/admin/login/"
RIGHT, WRONG = "a-password-of-hers", "a-guess"
HOME, ATTACKER = "192.0.2.1", "198.51.100.7"
BROWSER = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def grace(db: None) -> User:
    return User.objects.create_superuser("grace", "grace@example.org", RIGHT)


def tried(password: str = WRONG, name: str = "grace", address: str = HOME, **headers: str) -> Any:
    form = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(PAGE, form, headers=BROWSER | headers)


def is_in(answer: HttpResponse) -> bool:
    return answer.status_code == 302 and "sessionid" in answer.cookies


def later(seconds: float) -> None:
    """All that has happened so far was so much earlier."""
    SignInFailure.objects.update(at=F("at") - timedelta(seconds=seconds))


def test_after_five_wrong_ones_not_even_the_right_one_is_taken_until_the_time_is_over(grace: User) -> None:
    assert [tried().status_code for _ in range(5)] == [200] * 5

    refused = tried(RIGHT)

    assert refused.status_code == 429
    assert 25 <= int(refused["Retry-After"]) <= 30
    assert "Too many wrong passwords" in refused.content.decode()
    assert "UTC" in refused.content.decode()
    assert "sessionid" not in refused.cookies
    later(31)
    assert is_in(tried(RIGHT))


def test_each_further_one_doubles_the_wait_up_to_an_hour(grace: User) -> None:
    for _ in range(5):
        tried()
    for expected in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        wait = int(tried().get("Retry-After", 0))
        assert expected - 5 <= wait <= expected
        later(wait + 1)
        assert tried().status_code == 200


def test_to_be_refused_doesnt_make_the_wait_longer(grace: User) -> None:
    for _ in range(5):
        tried()
    for _ in range(30):
        assert tried().status_code == 429

    later(31)
    assert is_in(tried(RIGHT))


def test_a_day_later_all_is_forgotten_and_so_it_is_after_the_right_one(grace: User) -> None:
    for _ in range(4):
        tried()
    assert is_in(tried(RIGHT))
    assert SignInFailure.objects.count() == 0
    for _ in range(5):
        assert tried().status_code == 200

    later(24 * 3600)
    assert [tried().status_code for _ in range(5)] == [200] * 5
    signin.prune()
    assert SignInFailure.objects.count() == 5


def test_who_guesses_elsewhere_doesnt_lock_her_out(grace: User) -> None:
    for _ in range(8):
        tried(address=ATTACKER)

    assert tried(RIGHT, address=ATTACKER).status_code == 429
    assert is_in(tried(RIGHT, address=HOME))


def test_a_name_that_is_guessed_from_everywhere_is_slowed_but_not_where_she_has_signed_in_before(grace: User) -> None:
    assert is_in(tried(RIGHT, address=HOME))
    for number in range(50):
        assert tried(address=f"198.51.100.{number}").status_code == 200

    refused = tried(RIGHT, address="203.0.113.1")

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) <= signin.OF_NAME.most_seconds
    assert is_in(tried(RIGHT, address=HOME))
    assert tried(RIGHT, name="grace ", address="203.0.113.1").status_code == 429, "the form takes spaces away"


def test_an_address_that_guesses_many_names_is_slowed(grace: User) -> None:
    for number in range(50):
        assert tried(name=f"user-{number}", address=ATTACKER).status_code == 200

    assert tried(RIGHT, address=ATTACKER).status_code == 429
    assert is_in(tried(RIGHT))


def test_the_addresses_of_one_customer_count_as_one(grace: User) -> None:
    for number in range(5):
        tried(address=f"2001:db8:1:2::{number}")

    assert tried(address="2001:db8:1:2:ffff::1").status_code == 429
    assert tried(address="2001:db8:1:3::1").status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_a_network_is_what_a_customer_is_given(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_name_that_nobody_has_fares_alike(grace: User) -> None:
    known, unknown = ([tried(name=name) for _ in range(6)] for name in ("grace", "nobody"))

    assert [answer.status_code for answer in unknown] == [answer.status_code for answer in known] == [200] * 5 + [429]
    assert [len(answer.content) for answer in unknown[:5]] == [len(answer.content) + 1 for answer in known[:5]]


def test_a_program_is_told_by_a_problem(grace: User) -> None:
    for _ in range(5):
        tried()

    refused = tried(Accept="application/json")

    assert (refused.status_code, refused.json()["error"]) == (429, "RATE_LIMITED")
    assert int(refused["Retry-After"]) > 0


def test_the_log_tells_who_signed_in_and_who_failed_but_no_name_that_may_be_a_password(grace: User) -> None:
    tried(name="grace")
    tried(name="my-secret-password")
    client = Client(REMOTE_ADDR=HOME)
    client.post(PAGE, {"username": "grace", "password": RIGHT})
    client.post("/admin/logout/")

    told = list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "label", "address"))
    assert told == [
        ("signin.failed", "", "grace", HOME),
        ("signin.failed", "", "an unknown name", HOME),
        ("signin", "grace", "grace", HOME),
        ("signout", "grace", "grace", HOME),
    ]
    kept = str([*AuditEntry.objects.values(), *SignInFailure.objects.values()])
    assert "my-secret-password" not in kept


def test_another_password_ends_her_other_sessions_and_signing_out_this_one(grace: User) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        client.post(PAGE, {"username": "grace", "password": RIGHT})
    form = {"old_password": RIGHT, "new_password1": "another-of-hers", "new_password2": "another-of-hers"}

    assert here.post("/admin/password_change/", form).status_code == 302

    assert [client.get("/admin/workspaces/task/").status_code for client in (here, there)] == [200, 302]
    assert AuditEntry.objects.filter(action="password.change", actor_id=grace.pk).count() == 1
    cookie = here.cookies["sessionid"].value
    here.post("/admin/logout/")
    here.cookies["sessionid"] = cookie
    assert here.get("/admin/workspaces/task/").status_code == 302


def test_guesses_at_the_old_password_count_as_well(grace: User) -> None:
    client = Client(REMOTE_ADDR=HOME)
    client.force_login(grace)
    form = {"new_password1": "another-one-of-hers", "new_password2": "another-one-of-hers"}

    def changed(old: str) -> Any:
        return client.post("/admin/password_change/", {"old_password": old, **form}, headers=BROWSER)

    assert [changed(WRONG).status_code for _ in range(5)] == [200] * 5
    assert changed(RIGHT).status_code == 429
    assert AuditEntry.objects.filter(action="signin.failed").count() == 5
    later(31)
    assert changed(RIGHT).status_code == 302
    assert AuditEntry.objects.filter(action="password.change").count() == 1


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_time_and_at_another_process_count_too() -> None:
    User.objects.create_superuser("grace", "grace@example.org", RIGHT)
    form = urlencode({"username": "grace", "password": WRONG, "csrfmiddlewaretoken": "x" * 32})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={'x' * 32}"}
    with serving() as server, ThreadPoolExecutor(30) as crowd:
        answers = list(crowd.map(lambda _: server.ask("POST", PAGE, form, **headers).status, range(40)))
        elsewhere = server.ask("POST", PAGE, form, **headers, **{"X-Forwarded-For": HOME})

    assert set(answers) == {200, 429}
    assert answers.count(200) <= 5 + 8, "one more for each thread that asks just then"
    assert tried(RIGHT, address="127.0.0.1").status_code == 429
    assert elsewhere.status == 200, "who comes through a proxy that is trusted has an address of his own"
    assert AuditEntry.objects.filter(address=HOME, action="signin.failed").count() == 1


def test_a_failure_from_a_clock_that_was_ahead_holds_nobody_up_for_longer(grace: User) -> None:
    tried()
    later(-6 * 3600)

    assert is_in(tried(RIGHT))

    for _ in range(5):
        tried()
    later(-6 * 3600)
    assert int(tried(RIGHT)["Retry-After"]) <= 30
