"""The column that holds JSON, on whichever database the tests run."""

import json
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from tests.factories import WorkflowFactory
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "value",
    [
        {}, {"b": {"z": 1, "a": 2}, "a": [1, 1.0, True, None, -0.0, 1e100, 2**63 - 1, -(2**63)]},
        {"": "", "é": "🜁 \u2028", "'; --": '"\\'}, {"text": "{{ trigger.x }} %s %% ?"}, {"deep": [[[[{"x": []}]]]]},
    ],
)  # fmt: skip
def test_it_gives_back_what_was_saved_with_its_keys_in_order(value: dict[str, Any]) -> None:
    workflow = WorkflowFactory.create(metadata=value)

    back = Workflow.objects.get(pk=workflow.pk).metadata

    assert json.dumps(back) == json.dumps(value)


def test_it_is_kept_as_compact_text() -> None:
    workflow = WorkflowFactory.create(metadata={"b": 1, "a": "é"})

    with connection.cursor() as cursor:
        cursor.execute("SELECT metadata FROM workflows_workflow WHERE name = %s", [workflow.name])
        assert cursor.fetchone() == ('{"b":1,"a":"é"}',)


@pytest.mark.parametrize("value", ["text", "", "5", "null", '{"a":1}', 5, True, [1, None], 0])
def test_a_text_that_looks_like_json_stays_a_text(value: Any) -> None:
    workflow = WorkflowFactory.create()
    Workflow.objects.filter(pk=workflow.pk).update(metadata=value)

    back = Workflow.objects.get(pk=workflow.pk)
    back.clean_fields()

    assert back.metadata == value
    assert type(back.metadata) is type(value)


@pytest.mark.parametrize("value", [{1}, b"x", float("nan"), "\x00", "\ud800", {"a": {1: 2}}, ["x" * 2**20]])
def test_it_refuses_what_is_not_json_and_names_itself(value: Any) -> None:
    workflow = WorkflowFactory.create(metadata={"kept": 1})
    workflow.metadata = value

    with pytest.raises(ValidationError) as raised, transaction.atomic():
        workflow.save()

    assert [path.split(".")[0].split("[")[0] for path in raised.value.message_dict] == ["metadata"]
    assert Workflow.objects.get(pk=workflow.pk).metadata == {"kept": 1}


def test_a_dump_of_the_database_reads_back() -> None:
    workflow = WorkflowFactory.create(metadata={"b": ["x"], "a": None}, tags=["5", "null"])
    dumped = serializers.serialize("json", [workflow])
    Workflow.objects.filter(pk=workflow.pk).update(metadata={}, tags=[])

    for restored in serializers.deserialize("json", dumped):
        restored.save()

    back = Workflow.objects.get(pk=workflow.pk)
    assert list(back.metadata.items()) == [("b", ["x"]), ("a", None)]
    assert back.tags == ["5", "null"]
