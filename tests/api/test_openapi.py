"""The OpenAPI document is valid, and a live server keeps to it, whatever is sent."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from drf_spectacular.validation import validate_schema

from executions import services
from tests.config.servers import serving
from tests.factories import (
    ExecutionFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    WorkflowFactory,
    WorkspaceFactory,
)
from workspaces import tokens
from workspaces.models import ApiToken, Scope, Workspace
from workspaces.services import create_task, notify

SEED = 20_261_123
EXAMPLES_OF_EACH_OPERATION = 12
SECONDS = 240
ENDLESS = "/api/workspaces/{workspace}/workflows/executions/stream"
"""Left out, since its answer never ends; the stream of an execution ends with the execution."""
# Left out: `positive_data_acceptance`. A schema can't say that an expression has to refer to a step that there is, or
# that a user's name has to be one's, so what fits it may be refused all the same.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,missing_required_header,unsupported_method,"
    "allow_header_conformance,use_after_free,ensure_resource_availability,ignored_auth"
)


def configuration(owner: User, workspace: Workspace) -> str:
    """Real rows behind the paths, one for each operation that ends its row, so that answers have something in them."""
    workflow = WorkflowFactory.create(workspace=workspace, name="Runs")
    ended = ExecutionFactory.create(workflow=workflow)
    services.cancel(execution=ended)
    task = create_task(workspace_id=workspace.pk, title="Call back", assignee=owner)
    note = notify(workspace_id=workspace.pk, recipient=owner, message="Done")
    spare = [WorkflowFactory.create(workspace=workspace).pk for _ in range(3)]
    member = [MembershipFactory.create(workspace=workspace).pk for _ in range(2)]
    token = [tokens.issue(user=owner, name="t", scopes=["read"], workspace=each)[0].pk for each in (workspace, None)]
    ids = {
        ".*/workflows/{id}(/execut.*|/history)?$": workflow.pk,
        "DELETE .*/workflows/{id}$": spare[0],
        ".*/{id}/activate": spare[1],
        ".*/{id}/deactivate": spare[2],
        "GET .*/workflows/executions/{id}": ended.pk,
        "POST .*/workflows/executions/{id}": ended.pk,
        "DELETE .*/workflows/executions/{id}": ExecutionFactory.create(workflow=workflow).pk,
        ".*/tasks/{id}": task.pk,
        ".*/notifications/{id}.*": note.pk,
        "(GET|PATCH) .*/members/{id}": member[0],
        "DELETE .*/members/{id}": member[1],
        ".*/{workspace}/tokens/{id}": token[0],
        ".*/api/tokens/{id}": token[1],
    }
    given = [
        f"[[operations]]\ninclude-name-regex = '{_pattern(name)}'\nparameters = {{ 'path.id' = '{pk}' }}\n"
        for name, pk in ids.items()
    ]
    return "\n".join([f"[parameters]\n'path.workspace' = '{workspace.slug}'\n", *given])


def _pattern(name: str) -> str:
    return name.replace("{", r"\{").replace("}", r"\}")


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Client(SERVER_NAME="localhost").get("/api/schema").content)
    return found


def test_the_document_is_valid_and_anybody_may_read_it() -> None:
    found = document()

    validate_schema(found)  # type: ignore[no-untyped-call]  # so the library is written
    assert found["openapi"] == "3.1.0"
    assert len(found["paths"]) > 20


def test_every_operation_has_a_name_of_its_own_and_a_summary() -> None:
    operations = [operation for path in document()["paths"].values() for operation in path.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_a_reader_sees_what_to_send_and_what_a_refusal_looks_like() -> None:
    create = document()["paths"]["/api/workspaces/{workspace}/workflows"]["post"]

    [sent] = create["requestBody"]["content"]["application/json"]["examples"].values()
    [refused] = create["responses"]["400"]["content"]["application/problem+json"]["examples"].values()
    assert sent["value"]["actions"]
    assert refused["value"]["errors"]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_live_server_keeps_to_the_document_whatever_is_sent(tmp_path: Path) -> None:
    owner = UserFactory.create()
    workspace = WorkspaceFactory.create(organization=OrganizationFactory.create(owner=owner))
    (tmp_path / "schemathesis.toml").write_text(configuration(owner, workspace))
    text = tokens.issue(user=owner, name="all", scopes=Scope.values)[1]
    with serving(LOG_LEVEL="ERROR") as server:
        run = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", f"--config-file={tmp_path}/schemathesis.toml",
                "run", f"http://127.0.0.1:{server.port}/api/schema", "-H", f"Authorization: Bearer {text}",
                f"--max-examples={EXAMPLES_OF_EACH_OPERATION}", f"--seed={SEED}", f"--checks={CHECKS}",
                f"--exclude-path={ENDLESS}",
                "--continue-on-failure", "--generation-database=none", "--no-color", "--suppress-health-check=all",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
        assert server.ask("GET", "/healthz").status == 200

    assert run.returncode == 0, run.stdout[-8_000:] + run.stderr[-2_000:]
    assert "Tested: " in run.stdout, run.stdout[-2_000:]
    assert ApiToken.objects.filter(name="all").exists()
