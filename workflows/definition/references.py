"""What an expression may refer to when its action runs."""

import difflib
from collections.abc import Mapping, Sequence

from workflows.documents import Json
from workflows.expressions import SECRETS, Reference
from workflows.expressions.references import shorten

STEP_KEYS = ("status", "output", "error")
ROOT_KEYS: Mapping[str, tuple[str, ...]] = {"execution": ("id",), "workflow": ("id", "name")}
MAX_IDS_SHOWN = 10

type Located = tuple[str, Reference]


def reference_fault(reference: Reference, index: int, ids: Sequence[Json]) -> str | None:
    """Why `reference` can't be resolved when the action at `index` runs, or None when it may be."""
    if reference.root == SECRETS:
        return f"{shorten(str(reference))}: a secret may stand only in a config that is sent, as that of call_api."
    if not reference.keys:
        return None
    if reference.root in ROOT_KEYS:
        return _key_fault(reference, 0, ROOT_KEYS[reference.root], reference.root)
    if reference.root not in ("steps", "step"):
        return None
    return _step_fault(reference, index, ids) or (
        _key_fault(reference, 1, STEP_KEYS, "a step") if len(reference.keys) > 1 else None
    )


def _step_fault(reference: Reference, index: int, ids: Sequence[Json]) -> str | None:
    key = reference.keys[0]
    target = _position(reference, ids)
    named = f"{shorten(str(reference))}: "
    if target is None and reference.root == "steps":
        return f"{named}there is no action '{shorten(str(key))}' in this workflow; {_hint(str(key), ids[:index])}."
    if target is None:
        return f"{named}there is no action with the index {shorten(str(key))}; give 0 to {len(ids) - 1}."
    if target == index:
        return f"{named}an action can't refer to itself; refer to an earlier one."
    if target > index:
        return f"{named}that action runs later; refer to an earlier one, or move it up."
    return None


def _position(reference: Reference, ids: Sequence[Json]) -> int | None:
    key = reference.keys[0]
    if reference.root == "steps":
        return ids.index(str(key)) if str(key) in ids else None
    return key if isinstance(key, int) and key < len(ids) else None


def _hint(wanted: str, earlier: Sequence[Json]) -> str:
    known = [name for name in earlier if isinstance(name, str)]
    if near := difflib.get_close_matches(wanted[:100], known, 1):
        return f"perhaps {near[0]} is meant"
    shown = ", ".join(map(shorten, known[-MAX_IDS_SHOWN:]))
    return f"earlier ones are {shown}" if shown else "no action comes earlier"


def _key_fault(reference: Reference, depth: int, known: tuple[str, ...], holder: str) -> str | None:
    key = reference.keys[depth]
    if key in known:
        return None
    return f"{shorten(str(reference))}: {holder} has {' and '.join(known)}, and no '{shorten(str(key))}'."
