"""Where a definition may name a secret: in the config of an action that sends it, and nowhere else."""

import pytest

from tests.factories import definition
from workflows.definition import DefinitionInvalid, parse
from workflows.documents import Json

SECRET = "{{ secrets.API_KEY }}"


def faults(*actions: Json) -> dict[str, str]:
    try:
        parse(definition(*actions))
    except DefinitionInvalid as error:
        return {fault.path: fault.message for fault in error.faults}
    return {}


def call(**config: Json) -> Json:
    return {"id": "call", "type": "call_api", "config": {"url": "https://example.org/", **config}}


def test_it_may_stand_alone_and_within_a_text() -> None:
    action = call(headers={"X-Key": SECRET, "X-Keys": f"a {SECRET} b {{{{ secrets['OTHER'] }}}}"}, json={"a": [SECRET]})

    assert faults(action) == {}
    assert parse(definition(action)).secret_names == {"API_KEY", "OTHER"}


@pytest.mark.parametrize(
    "expression",
    [
        "secrets.A + 'x'",
        "secrets.A == 'x'",
        "size(secrets.A)",
        "has(secrets.A)",
        "secrets.A.size()",
        "trigger.a ? secrets.A : secrets.B",
        "[secrets.A]",
        "string(secrets.A)",
        "(secrets.A)",
    ],
)
def test_it_is_not_computed_with(expression: str) -> None:
    found = faults(call(body=f"{{{{ {expression} }}}}"))

    assert [*found] == ["actions[0].config.body"]
    assert "a secret can't be computed with" in found["actions[0].config.body"]


@pytest.mark.parametrize("expression", ["secrets", "secrets.A.b", "secrets[0]", "secrets.A[0]"])
def test_it_is_one_text_with_a_name(expression: str) -> None:
    assert "a secret is one text" in faults(call(body=f"{{{{ {expression} }}}}"))["actions[0].config.body"]


@pytest.mark.parametrize("name", ["my-key", "1A", "ü", "A" * 101])
def test_a_name_that_no_secret_can_have_is_refused(name: str) -> None:
    found = faults(call(body=f"{{{{ secrets['{name}'] }}}}"))

    assert found["actions[0].config.body"].startswith("No secret can be called")
    assert found["actions[0].config.body"].endswith("Use letters, digits and _, and no digit at the beginning.")


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ({"type": "create_task", "config": {"title": SECRET}}, "config.title"),
        ({"type": "send_notification", "config": {"recipient": "ada", "message": SECRET}}, "config.message"),
        ({"type": "condition", "config": {"field": "secrets.A", "operator": "exists"}}, "config"),
        ({"type": "condition", "config": {"expression": "secrets.A == 'x'"}}, "config.expression"),
        ({"type": "call_api", "config": {"url": "https://a.org/"}, "conditions": "secrets.A"}, "conditions"),
        (
            {"type": "call_api", "config": {"url": "https://a.org/"},
             "conditions": [{"field": "trigger.a", "operator": "equals", "value": SECRET}]},
            "conditions[0]",
        ),
    ],
)  # fmt: skip
def test_it_is_neither_kept_nor_compared(action: dict[str, Json], path: str) -> None:
    found = faults({"id": "step", **action})

    assert [where for where in found if where.startswith(f"actions[0].{path}")] == [*found]
    assert found
    assert "secret" in " ".join(found.values())
