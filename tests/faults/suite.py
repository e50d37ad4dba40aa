"""The fault suite on the database that DATABASE_URL names: several lanes at once, a line of JSON for each run."""

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import django

django.setup()

from django.db import connection, connections  # noqa: E402 (the apps have to be there first)

from tests.faults import cases, databases, sink  # noqa: E402 (the apps have to be there first)
from tests.faults.cases import Case, Result  # noqa: E402 (the apps have to be there first)
from tests.faults.databases import Database  # noqa: E402 (the apps have to be there first)
from tests.faults.lane import Lane  # noqa: E402 (the apps have to be there first)

_printing = threading.Lock()


def say(result: Result) -> None:
    with _printing:
        print(json.dumps(result.as_json()), flush=True)


def run(chosen: Iterable[Case], *, lanes: int) -> None:
    """Raises what a lane broke off with, such as a promise broken where nothing befell it."""
    left: SimpleQueue[Case] = SimpleQueue()
    for case in chosen:
        left.put(case)
    with (
        sink.recording() as recording,
        tempfile.TemporaryDirectory() as logs,
        databases.for_lanes(lanes) as lane_databases,
        ThreadPoolExecutor(lanes) as pool,
    ):
        playing = [
            pool.submit(_lane, left, database, recording, Path(logs, str(number)))
            for number, database in enumerate(lane_databases)
        ]
        try:
            for lane in playing:
                lane.result()
        finally:  # where one broke off, or who waits has had enough, the others end after the run at hand
            while not left.empty():
                with suppress(Empty):
                    left.get_nowait()


def _lane(left: SimpleQueue[Case], database: Database, recording: sink.Sink, log: Path) -> None:
    lane = Lane(database, recording, log)
    try:
        lane.warm_up()
        while not left.empty():
            with suppress(Empty):
                say(lane.run(left.get_nowait()))
    finally:
        lane.end()
        connections.close_all()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="of each point and manner; 0: each point once, by either")
    parser.add_argument("--lanes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--point", help="this one alone")
    given = parser.parse_args()
    database = connection.vendor
    chosen = [*cases.all_of(database, runs=given.runs, seed=given.seed)] if given.runs else None
    chosen = chosen or [*cases.choice_of(database, seed=given.seed)]
    run([case for case in chosen if given.point in (None, case.point)], lanes=given.lanes)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
