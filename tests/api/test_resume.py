"""Resuming over the API: what is answered, and that it happens once."""

import pytest

from executions import services
from executions.models import Execution
from tests.api.clients import with_token
from tests.executions.scenes import ran
from tests.factories import MembershipFactory
from workflows.documents import Json
from workspaces.models import Role

pytestmark = pytest.mark.django_db(transaction=True)

STEPS: list[Json] = [{"type": "test_echo", "config": {"value": 1}}, {"type": "test_fail"}]


def test_it_answers_as_a_start_does_and_the_same_again() -> None:
    first = ran(*STEPS)
    member = MembershipFactory.create(workspace=first.workspace, role=Role.MEMBER)
    api, path = with_token(member.user, "execute"), f"workspaces/{first.workspace.slug}/workflows/executions"

    one, two = (api.post(f"{path}/{first.pk}/resume") for _ in range(2))

    assert (one.status, two.status) == (202, 202)
    execution = one.json["execution"]
    assert (execution["resumedFrom"], execution["status"], len(execution["steps"])) == (str(first.pk), "PENDING", 1)
    assert one.headers["Location"] == f"/api/{path}/{execution['id']}"
    assert two.json["execution"]["id"] == execution["id"]
    assert two.headers["Idempotency-Replayed"] == "true"


def test_what_was_resumed_names_the_one_that_goes_on_and_a_list_does_not_ask() -> None:
    first = ran(*STEPS)
    member = MembershipFactory.create(workspace=first.workspace, role=Role.MEMBER)
    api, path = with_token(member.user, "read"), f"workspaces/{first.workspace.slug}/workflows"

    def resumed_as(execution: Execution) -> str | None:
        name: str | None = api.get(f"{path}/executions/{execution.pk}").json["execution"]["resumedAs"]
        return name

    assert resumed_as(first) is None
    resumed = services.resume(execution=first).execution

    assert (resumed_as(first), resumed_as(resumed)) == (str(resumed.pk), None)
    listed = api.get(f"{path}/{first.workflow_id}/history").json["executions"]
    assert all("resumedAs" not in execution for execution in listed)


def test_what_is_completed_is_a_conflict() -> None:
    done = ran(STEPS[0])
    member = MembershipFactory.create(workspace=done.workspace, role=Role.MEMBER)

    answer = with_token(member.user, "execute").post(
        f"workspaces/{done.workspace.slug}/workflows/executions/{done.pk}/resume"
    )

    assert (answer.status, answer.error) == (409, "EXECUTION_NOT_RESUMABLE")


@pytest.mark.parametrize("body", [{"dryRun": True}, {"triggerData": 1}, [1]])
def test_a_body_is_refused_since_nothing_of_it_would_count(body: object) -> None:
    first = ran(*STEPS)
    member = MembershipFactory.create(workspace=first.workspace, role=Role.MEMBER)
    path = f"workspaces/{first.workspace.slug}/workflows/executions/{first.pk}/resume"

    answer = with_token(member.user, "execute").post(path, body)

    assert (answer.status, [*answer.json["errors"]]) == (400, ["body"])
    assert Execution.objects.count() == 1
