"""Hostile texts in every text and JSON field of the API: the same answer on both databases, and never a 500.

What the answers are is written in `statuses.json`, which the runs on SQLite and on PostgreSQL have to agree with;
`LONG=1 WRITE=1` writes it anew, and then the difference is to be read.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import transaction

from tests.api.clients import PROBLEM, Api, with_token
from tests.api.house import House
from tests.hostile.fields import Field, fields
from tests.hostile.strings import REPRESENTATIVES

# Of fields that take many a text each kind is tried; of the others these, and with LONG=1 the rest too.
FEW = ("nothing", "control characters", "digits of others", "expressions", "lines of a protocol", "long", "a NUL")
TEXTS = ("search", "name as text", "description as text", "metadata as key", "tags as item", "triggerData as text")
STATUSES = Path(__file__).with_name("statuses.json")


def status_of(api: Api, field: Field, address: str, text: str) -> int:
    """What is answered; and nothing is left of it."""
    with transaction.atomic():
        answer = field.ask(api, address, text)
        transaction.set_rollback(True)
    if answer.status >= 400:
        assert answer.type == PROBLEM, (field, text, answer.content[:200])
    return answer.status


def kinds_for(field: Field) -> dict[str, str]:
    if field.name in TEXTS or "LONG" in os.environ:
        return REPRESENTATIVES
    return {kind: REPRESENTATIVES[kind] for kind in FEW}


def found(house: House) -> dict[str, dict[str, int]]:
    """Of each field the status that each kind of text has."""
    api = with_token(house.people["owner"], raising=False)
    rows = {}
    for field in fields():
        address = field.address(house)
        rows[str(field)] = {kind: status_of(api, field, address, text) for kind, text in kinds_for(field).items()}
    return rows


def in_short(statuses: dict[str, int]) -> dict[str, Any]:
    """The usual status, and the kinds of text that have another."""
    [(usual, _), *others] = Counter(statuses.values()).most_common()
    return {"else": usual} | {
        str(status): [kind for kind in statuses if statuses[kind] == status] for status, _ in others
    }


def in_full(row: dict[str, Any], kinds: Iterable[str]) -> dict[str, int]:
    """The status of each of these kinds."""
    others = {kind: int(status) for status, those in row.items() if status != "else" for kind in those}
    return {kind: others.get(kind, row["else"]) for kind in kinds}


def test_every_field_answers_every_kind_of_text_as_is_written(house: House) -> None:
    rows = found(house)

    assert {status for row in rows.values() for status in row.values() if status >= 500} == set()
    if "WRITE" in os.environ:
        assert "LONG" in os.environ, "write all of them"
        lines = (f"{json.dumps(name)}: {json.dumps(in_short(row))}" for name, row in sorted(rows.items()))
        STATUSES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    written = json.loads(STATUSES.read_text())
    assert rows == {name: in_full(written[name], rows[name]) for name in rows if name in written}
    assert written.keys() == rows.keys()
