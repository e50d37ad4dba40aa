"""A PostgreSQL server of the tests' own, and for each test a database in it that Django uses instead of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import dj_database_url
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests.config.clusters import Cluster

TEMPLATE = "template"


def prepare(cluster: Cluster) -> None:
    """Makes the database that those of the tests are copies of."""
    with cluster.connect() as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    with using(url_of(cluster, TEMPLATE)):
        call_command("migrate", verbosity=0)


@contextmanager
def fresh(cluster: Cluster) -> Iterator[str]:
    """The URL of a new database, which Django uses meanwhile."""
    name = f"chaos_{uuid4().hex[:8]}"
    with cluster.connect() as connection:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        connection.execute(copy)
    url = url_of(cluster, name)
    with using(url):
        yield url


@contextmanager
def using(url: str) -> Iterator[None]:
    """This thread's default connection goes to `url`, without a pool."""
    before, usual = connections["default"], connections.settings["default"]
    before.close()
    parsed = {"default": dict(dj_database_url.parse(url))}
    connections.settings["default"] = connections.configure_settings(parsed)["default"]
    del connections["default"]
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = usual
        connections["default"] = before


def url_of(cluster: Cluster, name: str) -> str:
    return f"{cluster.url.rpartition('/')[0]}/{name}"
