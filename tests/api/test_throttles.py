"""How many requests a minute: of a user, and in a workspace, whoever asks."""

from types import SimpleNamespace

import pytest
from pytest_django import Settings

from tests.api.clients import Answer, Api, with_token
from tests.api.documents import new
from tests.api.house import House
from workflows.models import Workflow
from workspaces.api import throttles
from workspaces.models import AuditEntry

MINUTE_BEGINS = 1_000_000_020.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    stopped = SimpleNamespace(now=MINUTE_BEGINS)
    stopped.time = lambda: stopped.now
    monkeypatch.setattr(throttles, "time", stopped)
    return stopped


@pytest.fixture(autouse=True)
def _limits(settings: Settings, clock: SimpleNamespace, _no_limits: None) -> None:
    settings.REQUESTS_PER_MINUTE_OF_USER, settings.REQUESTS_PER_MINUTE_IN_WORKSPACE = 3, 5


def check_refused(answer: Answer, retry_after: str = "60") -> None:
    assert (answer.status, answer.error) == (429, "RATE_LIMITED")
    assert answer.headers["Retry-After"] == retry_after


def test_the_request_above_a_users_limit_is_429(house: House) -> None:
    assert [house.guest.get(house.path).status for _ in range(3)] == [200, 200, 200]

    check_refused(house.guest.get(house.path))


def test_another_user_is_not_affected(house: House) -> None:
    for _ in range(10):
        house.guest.get("workspaces")

    check_refused(house.guest.get(house.path))
    assert house.member.get(house.path).status == 200


def test_what_goes_beyond_ones_own_limit_does_not_count_in_the_workspace(house: House) -> None:
    """Else one who won't stop would lock all others out."""
    for _ in range(20):
        house.guest.get(house.path)

    assert [house.member.get(house.path).status for _ in range(2)] == [200, 200]
    check_refused(house.member.get(house.path))


def test_a_users_limit_is_one_over_tokens_sessions_and_paths(house: House) -> None:
    guest = house.people["guest"]

    assert house.guest.get("workspaces").status == 200
    assert house.api("guest").get(house.path).status == 200
    assert with_token(guest, "read").get("action-types").status == 200
    for api in (house.guest, house.api("guest"), with_token(guest, "read")):
        check_refused(api.get("definition-schema"))


def test_the_limit_of_a_workspace_is_one_for_all_who_are_in_it(house: House) -> None:
    for api in (house.guest, house.member, house.guest, house.member, house.admin):
        assert api.get(house.path).status == 200

    check_refused(house.admin.get(house.path))
    check_refused(house.owner.get(f"{house.path}/tasks"))


def test_another_workspace_and_what_is_in_none_are_not_affected(house: House) -> None:
    for api in (house.guest, house.guest, house.member, house.member, house.admin):
        api.get(house.path)

    check_refused(house.owner.get(house.path))
    assert house.owner.get(f"workspaces/{house.elsewhere.slug}").status == 200
    assert house.admin.get("workspaces").status == 200


def test_who_is_not_in_a_workspace_uses_nothing_of_its_limit_up(house: House) -> None:
    assert [house.stranger.get(house.path).status for _ in range(10)] == [404] * 3 + [429] * 7
    assert [house.api("anonymous").get(house.path).status for _ in range(10)] == [401] * 10

    assert house.guest.get(house.path).status == 200


def test_what_is_refused_for_other_reasons_counts_too(house: House) -> None:
    """Else it could be guessed without end."""
    answers = [
        house.guest.post(f"{house.path}/workflows", new()),
        house.guest.get("workspaces/nowhere"),
        house.guest.get(f"{house.path}/workflows", nope=1),
        house.guest.get(house.path),
    ]

    assert [answer.status for answer in answers] == [403, 404, 400, 429]


@pytest.mark.parametrize(("second", "retry_after"), [(0, "60"), (0.5, "60"), (30, "30"), (58.2, "2"), (59.9, "1")])
def test_it_says_when_the_next_minute_begins(
    house: House, clock: SimpleNamespace, second: float, retry_after: str
) -> None:
    clock.now = MINUTE_BEGINS + second
    for _ in range(3):
        house.guest.get(house.path)

    check_refused(house.guest.get(house.path), retry_after)
    clock.now += float(retry_after)
    assert house.guest.get(house.path).status == 200


def test_the_next_minute_counts_anew(house: House, clock: SimpleNamespace) -> None:
    for minute in range(3):
        clock.now = MINUTE_BEGINS + 60 * minute
        assert [house.guest.get(house.path).status for _ in range(4)] == [200, 200, 200, 429]


def test_what_is_refused_is_not_done(house: House) -> None:
    path = f"{house.path}/workflows"
    answers = [house.owner.post(path, new(name=f"number {number}")) for number in range(5)]

    assert [answer.status for answer in answers] == [201, 201, 201, 429, 429]
    assert Workflow.objects.filter(workspace=house.workspace).count() == 3


def test_zero_is_no_limit(house: House, settings: Settings) -> None:
    settings.REQUESTS_PER_MINUTE_OF_USER = 0
    assert [house.guest.get(house.path).status for _ in range(6)] == [200] * 5 + [429]
    settings.REQUESTS_PER_MINUTE_IN_WORKSPACE = 0
    assert [house.guest.get(house.path).status for _ in range(10)] == [200] * 10


def test_wrong_tokens_are_limited_by_address_and_right_ones_from_there_are_not(house: House) -> None:
    wrong = Api(token="tri_wrong")

    assert [wrong.get(house.path).status for _ in range(3)] == [401, 401, 401]
    check_refused(wrong.get(house.path))
    assert house.guest.get(house.path).status == 200


def test_wrong_tokens_leave_nothing_in_the_audit_log(house: House) -> None:
    for _ in range(10):
        Api(token="tri_wrong").get(house.path)

    assert not AuditEntry.objects.exists()
