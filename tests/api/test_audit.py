"""The audit log: each operation that changes something leaves one entry, true in who, what and where."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from executions import services as executions
from tests.api import routes
from tests.api.clients import Answer, with_token
from tests.api.house import House
from tests.api.routes import EXPECTED, WORKFLOWS, WORKSPACE, Rule, address
from tests.factories import MembershipFactory, UserFactory, WorkflowFactory
from workspaces import audit, services, speakers
from workspaces.models import AuditEntry, Role

SAFE = ("GET", "HEAD", "OPTIONS")
ONES_OWN = {
    (f"{WORKSPACE}/notifications/read", "POST"): "what one has read is nobody else's business",
    (f"{WORKSPACE}/notifications/<str:id>/read", "POST"): "the same",
    (f"{WORKFLOWS}/executions/<str:id>/stream-ticket", "POST"): "it opens what a GET opens",
}
TELLING = [
    (route, method)
    for route, rules in EXPECTED.items()
    for method in rules
    if method not in SAFE and (route, method) not in ONES_OWN
]
ADDRESS = "127.0.0.1"


@pytest.fixture(autouse=True)
def _newcomer(db: None) -> None:
    """Whom a body of the table names."""
    UserFactory.create(username="newcomer")


def entries(**those: Any) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(**those).order_by("pk"))


def done(house: House, route: str, method: str) -> tuple[Rule, Answer]:
    """By the owner, with a token."""
    rule = EXPECTED[route][method]
    api = with_token(house.people["owner"])
    return rule, api.ask(method, address(route, house), rule.body)


@pytest.mark.parametrize(("route", "method"), TELLING)
def test_what_changes_something_leaves_one_entry(house: House, route: str, method: str) -> None:
    rule, answer = done(house, route, method)

    assert answer.status == rule.status, answer.content
    (entry,) = entries()
    assert (entry.actor_id, entry.actor_name) == (house.people["owner"].pk, "owner-of-sales")
    assert entry.token.startswith("test (tri_")
    assert entry.address == ADDRESS
    if route.startswith(WORKSPACE):
        assert (entry.workspace_id, entry.workspace_slug) == (house.workspace.pk, "sales")
    else:
        assert (entry.workspace_id, entry.workspace_slug) == (None, "")
    assert entry.subject_id
    assert entry.label


@pytest.mark.parametrize(("route", "method"), TELLING)
def test_what_is_refused_leaves_none(house: House, route: str, method: str) -> None:
    rule, path = EXPECTED[route][method], address(route, house)

    for name in ("anonymous", *(["stranger"] if route.startswith(WORKSPACE) else []), "guest"):
        if name not in rule.roles:
            assert house.api(name).ask(method, path, rule.body).status in (401, 403, 404)

    assert entries() == []


def test_every_exception_is_a_route_of_the_api() -> None:
    assert all(method in EXPECTED[route] for route, method in ONES_OWN)
    assert len(TELLING) + len(ONES_OWN) == sum(
        method not in SAFE for _, methods in routes.found() for method in methods
    )


def test_a_session_speaks_without_a_token(house: House) -> None:
    house.api("owner").patch(house.path, {"maxRunning": 3})

    (entry,) = entries()
    assert (entry.action, entry.actor_name, entry.token) == ("workspace.change", "owner-of-sales", "")
    assert entry.details == {"max_running": 3}


def test_what_was_as_it_is_wished_is_no_change(house: House) -> None:
    for _ in range(2):
        house.owner.patch(house.path, {"maxRunning": 3})

    assert len(entries()) == 1


def test_a_start_that_is_repeated_with_its_key_is_told_once(house: House) -> None:
    path = f"{house.path}/workflows/{house.workflow.pk}/execute"

    answers = [house.member.post(path, {"dryRun": True}, Idempotency_Key="a key") for _ in range(3)]

    (entry,) = entries(action="execution.start")
    assert entry.subject_id == answers[0].json["execution"]["id"]
    assert (entry.label, entry.details) == (house.workflow.name, {"dryRun": True})


def test_a_start_that_is_refused_isnt_told(house: House) -> None:
    assert house.member.post(f"{house.path}/workflows/{house.draft.pk}/execute", {}).status == 400
    assert entries(action="execution.start") == []


def test_who_reads_the_names_of_secrets_is_told(house: House) -> None:
    assert house.owner.get(f"{house.path}/secrets").status == 200

    (entry,) = entries()
    assert (entry.action, entry.actor_name, entry.workspace_slug) == ("secret.list", "owner-of-sales", "sales")


def test_a_secrets_value_is_in_no_entry(house: House) -> None:
    house.owner.ask("PUT", f"{house.path}/secrets/KEY", {"value": "a-PASS-that-is-long"})
    house.owner.ask("PUT", f"{house.path}/secrets/KEY", {"value": "another-PASS-of-mine"})
    house.owner.delete(f"{house.path}/secrets/KEY")

    assert [(entry.action, entry.label, entry.details) for entry in entries()] == [
        ("secret.put", "KEY", {"new": True}),
        ("secret.put", "KEY", {"new": False}),
        ("secret.remove", "KEY", {}),
    ]
    assert "PASS" not in str(list(AuditEntry.objects.values()))


def start_and_think_better_of_it(house: House) -> None:
    with transaction.atomic():
        executions.start(workflow=house.workflow)
        services.add_member(workspace=house.workspace, user=house.people["stranger"], role=Role.GUEST)
        assert len(entries()) == 2
        raise ZeroDivisionError


def test_what_rolls_back_isnt_told(house: House) -> None:
    workflow = house.workflow
    with speakers.command("test"):
        with pytest.raises(ZeroDivisionError):
            start_and_think_better_of_it(house)
        assert entries() == []
        executions.start(workflow=workflow)

    (entry,) = entries()
    assert entry.actor_name.startswith("manage.py test")


def test_what_nobody_does_isnt_told(house: House) -> None:
    """The engine, and Django code that no request has called."""
    services.create_task(workspace_id=house.workspace.pk, title="Call")
    executions.cancel(execution=executions.start(workflow=house.workflow))

    assert entries() == []


def test_an_entry_outlives_the_user_and_the_workspace(house: House) -> None:
    membership = MembershipFactory.create(user=UserFactory.create(username="ada"), role=Role.OWNER)
    api = with_token(membership.user)
    api.patch(f"workspaces/{membership.workspace.slug}", {"maxRunning": 3})

    membership.workspace.delete()
    membership.user.delete()

    (entry,) = entries()
    assert entry.actor_name == "ada"
    assert entry.workspace_slug == membership.workspace.slug


def test_entries_are_neither_changed_nor_deleted(house: House) -> None:
    house.owner.patch(house.path, {"maxRunning": 3})

    with pytest.raises(TypeError):
        AuditEntry.objects.all().update(label="other")
    with pytest.raises(TypeError):
        AuditEntry.objects.all().delete()
    (entry,) = entries()
    with pytest.raises(TypeError):
        entry.delete()
    entry.label = "other"
    with pytest.raises(TypeError):
        entry.save()

    assert entries()[0].label == house.workspace.name


def test_it_reads_back_the_latest_first_page_by_page(house: House) -> None:
    for number in range(1, 6):
        house.owner.patch(house.path, {"maxRunning": number})

    first = house.owner.get(f"{house.path}/audit", limit=2).json
    rest = house.owner.get(f"{house.path}/audit", limit=10, cursor=first["pagination"]["nextCursor"]).json

    shown = [entry["details"]["max_running"] for entry in first["entries"] + rest["entries"]]
    assert shown == [5, 4, 3, 2, 1]
    assert first["pagination"] == {"limit": 2, "hasMore": True, "nextCursor": first["entries"][-1]["id"]}
    assert rest["pagination"] == {"limit": 10, "hasMore": False, "nextCursor": None}
    assert set(first["entries"][0]) == {
        "id", "at", "action", "actor", "token", "address", "subject", "label", "details",
    }  # fmt: skip


def test_it_filters_by_action_actor_label_and_time(house: House) -> None:
    path = f"{house.path}/audit"
    house.owner.patch(house.path, {"maxRunning": 1})
    moment = timezone.now().isoformat()
    house.admin.patch(house.path, {"maxRunning": 2})
    house.admin.post(f"{house.path}/workflows/{house.workflow.pk}/execute", {})

    def labels(**query: Any) -> list[str]:
        answer = house.owner.get(path, **query)
        assert answer.status == 200, answer.content
        return [f"{entry['action']} {entry['actor']}" for entry in answer.json["entries"]]

    start, second, first = (
        "execution.start admin-of-sales", "workspace.change admin-of-sales", "workspace.change owner-of-sales",
    )  # fmt: skip
    assert labels() == [start, second, first]
    assert labels(action="workspace.change") == [second, first]
    assert labels(action=["workspace.change", "execution.start"], actor="admin-of-sales") == [start, second]
    assert labels(label=house.workflow.name) == [start]
    assert labels(label=house.workspace.name) == [second, first]
    assert labels(since=moment) == [start, second]
    assert labels(until=moment) == [first]
    assert labels(since="1969-01-01T00:00:00Z", until="9999-12-31T00:00:00Z") == [start, second, first]
    assert labels(since="0001-01-01T00:00:00Z", until="9999-12-31T23:59:59.999999Z") == [start, second, first]
    assert labels(since="9999-12-31T23:59:59.999999Z") == labels(until="0001-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [{"action": "nothing"}, {"since": "yesterday"}, {"cursor": "1"}, {"limit": 0}, {"limit": 101}, {"unknown": 1},
     {"actor": "x" * 151}, {"label": "x" * 201}],
)  # fmt: skip
def test_a_wrong_filter_is_said_by_name(house: House, query: dict[str, Any]) -> None:
    answer = house.owner.get(f"{house.path}/audit", **query)

    assert (answer.status, answer.error) == (400, "VALIDATION_ERROR")
    assert list(answer.json["errors"]) == list(query)


def test_of_another_workspace_nothing_is_shown(house: House) -> None:
    other = WorkflowFactory.create(workspace=house.elsewhere)
    with_token(house.people["stranger"]).post(f"workspaces/{house.elsewhere.slug}/workflows/{other.pk}/execute", {})
    house.owner.post("tokens", {"name": "of the owner alone"})

    assert house.owner.get(f"{house.path}/audit").json["entries"] == []
    assert len(house.owner.get(f"workspaces/{house.elsewhere.slug}/audit").json["entries"]) == 1


@pytest.mark.parametrize(("days", "left"), [(0, 5), (30, 2)])
def test_what_is_older_than_it_is_kept_is_pruned(house: House, settings: Any, days: int, left: int) -> None:
    for number, age in enumerate((40, 40, 31, 29, 0)):
        moment = timezone.now() - timedelta(days=age)
        key = UUID(int=(int(moment.timestamp() * 1000) << 80) + number)
        AuditEntry(id=key, at=moment).save(force_insert=True)
    settings.AUDIT_DAYS = days

    assert audit.prune(rest=lambda _: None) == 5 - left
    assert len(entries()) == left
