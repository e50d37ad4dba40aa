"""What expressions see in these tests."""

from collections.abc import Mapping

from workflows.documents import Json
from workflows.expressions import parse_expression

SCOPE: dict[str, Json] = {
    "trigger": {
        "amount": 60,
        "rate": 1.5,
        "name": "Ada",
        "nothing": None,
        "yes": True,
        "user": {"id": 7, "email": "ada@example.org"},
        "items": [{"name": "first", "x-id": 5, "price": 2}, {"name": "second", "price": 2.5}],
        "tags": ["a", "b"],
        "headers": {"x-id": "q", "0": "zero", 'it\'s "odd"\\': 1, "naïve": 2},
        "amount-tax": 3,
    },
    "variables": {"index": 1, "key": "name"},
    "steps": {
        "fetch": {"status": "success", "output": {"total": 10}, "error": None},
        "action-1": {"status": "failed", "output": None, "error": {"code": "TIMEOUT"}},
    },
    "step": [{"status": "success", "output": {"total": 10}, "error": None}, None],
    "execution": {"id": "e1"},
    "workflow": {"id": "w1", "name": "Order"},
}


def evaluated(source: str, scope: Mapping[str, Json] = SCOPE) -> Json:
    return parse_expression(source).evaluate(scope)
