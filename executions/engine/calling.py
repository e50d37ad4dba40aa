"""Calls a handler in this thread, with copies of what it is given; makes data of what comes."""

import asyncio
import contextvars
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from executions.engine.outcomes import Outcome, guarded
from workflows.actions.context import ActionContext
from workflows.actions.registry import ActionType
from workflows.documents import Json, dump


def perform(action_type: ActionType, config: Json, context: ActionContext) -> Outcome:
    """Calls the handler and checks what it gives; context variables that it sets are gone afterwards."""
    return contextvars.copy_context().run(guarded, lambda: _called(action_type, config, context))


def _called(action_type: ActionType, config: Json, context: ActionContext) -> object:
    """With copies, so that whatever the handler changes in them changes nothing for others."""
    if not action_type.raw:
        context = replace(context, scope=_Copies(context.scope))
    result = action_type.handler(action_type.config.model_validate(_copy(config)), context)
    return asyncio.run(_awaited(result, context)) if inspect.iscoroutine(result) else result


class _Copies(Mapping[str, Json]):
    """A scope whose parts are copied as they are first looked at."""

    def __init__(self, scope: Mapping[str, Json]) -> None:
        self._scope = scope
        self._copied: dict[str, Json] = {}

    def __getitem__(self, name: str) -> Json:
        if name not in self._copied:
            self._copied[name] = _copy(self._scope[name])
        return self._copied[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope)

    def __len__(self) -> int:
        return len(self._scope)


def _copy(value: Json) -> Json:
    return json.loads(dump(value)) if isinstance(value, dict | list) else value


async def _awaited(coroutine: Any, context: ActionContext) -> object:
    async with asyncio.timeout(context.remaining()):
        return await coroutine


def leave_the_pool() -> None:
    """Gives this thread connections of its own, none of which is open yet.

    A handler that keeps one for ever takes none of the pool's; one that leaves a transaction open, a lock or a setting,
    leaves it to nobody.
    """
    used = {db.alias: db for db in connections.all(initialized_only=True)}
    for alias in connections:
        db = used.get(alias)
        if db is None or db.connection is not None or db.in_atomic_block:
            if db is not None:
                with suppress(Exception):  # whatever state it was left in
                    db.close()
            connections[alias] = _apart_from_the_pool(alias)


def _apart_from_the_pool(alias: str) -> BaseDatabaseWrapper:
    db: BaseDatabaseWrapper = connections.create_connection(alias)
    options = {name: value for name, value in db.settings_dict["OPTIONS"].items() if name != "pool"}
    db.settings_dict = {**db.settings_dict, "OPTIONS": options}
    return db
