"""Definitions as the tests make them, and what is found wrong with them."""

from typing import Any

import pytest

from workflows.definition import Definition, DefinitionInvalid, parse, with_ids
from workflows.documents import Json

HANG_SECONDS = 10
"""CPU time that only work out of all proportion takes: what is bounded here needs well under one, on a busy machine."""
NOTIFY: dict[str, Json] = {"recipient": "ada", "message": "Hello"}


def notify(name: str = "tell", /, **fields: Any) -> dict[str, Any]:
    return {"id": name, "type": "send_notification", "config": NOTIFY, **fields}


def saying(message: str, name: str = "tell") -> dict[str, Any]:
    return notify(name, config={"recipient": "ada", "message": message})


def faults_of(*actions: Any, **fields: Any) -> dict[str, str]:
    return faults_in({"actions": list(actions), **fields})


def faults_in(document: Any) -> dict[str, str]:
    with pytest.raises(DefinitionInvalid) as raised:
        parse(document)
    return {fault.path: fault.message for fault in raised.value.faults}


def read_or_refused(document: Any) -> Definition | DefinitionInvalid:
    try:
        return parse(with_ids(document))
    except DefinitionInvalid as error:
        return error
