"""A database for each lane, on the server that DATABASE_URL names; they are gone afterwards."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

type Database = dict[str, Any]


def use(database: Database) -> None:
    """This thread's connection goes there from now on, without a pool: a process has but one of those."""
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    configured = connections.configure_settings({"default": database | {"OPTIONS": options}})["default"]
    wrapper: type[BaseDatabaseWrapper] = load_backend(configured["ENGINE"]).DatabaseWrapper
    connections["default"].close()
    connections["default"] = wrapper(configured, "default")


def use_everywhere(database: Database) -> None:
    """The same for all threads of a new process and for those that it starts, with the pools of the project's."""
    os.environ["DATABASE_URL"] = _url_of(database)
    connections.settings["default"] = connections.configure_settings({"default": database})["default"]
    del connections["default"]


def _url_of(database: Database) -> str:
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{database['NAME']}"
    return f"{os.environ['DATABASE_URL'].partition('?')[0].rpartition('/')[0]}/{database['NAME']}"


@contextmanager
def for_lanes(count: int) -> Iterator[list[Database]]:
    make = _on_sqlite if connection.vendor == "sqlite" else _on_postgresql
    with make([f"faults_{uuid4().hex[:8]}_{number}" for number in range(count + 1)]) as databases:
        yield databases


def _named(name: str) -> Database:
    return {**settings.DATABASES["default"], "NAME": name}


def _migrated(database: Database) -> Database:
    usual = connections["default"]
    use(database)
    call_command("migrate", verbosity=0)
    connections["default"].close()
    connections["default"] = usual
    return database


@contextmanager
def _on_sqlite(names: list[str]) -> Iterator[list[Database]]:
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        first, *others = [str(Path(folder, f"{name}.sqlite3")) for name in names]
        _migrated(_named(first))
        for other in others:
            shutil.copy(first, other)
        yield [_named(other) for other in others]


@contextmanager
def _on_postgresql(names: list[str]) -> Iterator[list[Database]]:
    first, *others = names
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"CREATE DATABASE {first}")
            _migrated(_named(first))
            for other in others:
                cursor.execute(f"CREATE DATABASE {other} TEMPLATE {first}")
            yield [_named(other) for other in others]
        finally:
            with suppress(Exception):
                for name in names:
                    cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
