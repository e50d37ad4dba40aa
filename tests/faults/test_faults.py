"""Each named point once, by SIGKILL or by an exception, on the database of the tests; `make test-faults` for all."""

import json
import subprocess
import sys

import pytest
from django.db import connection

from tests.config.processes import ROOT, environment
from tests.executions.programs.children import database_url
from tests.faults import report
from tests.faults.__main__ import SETTINGS
from tests.faults.cases import Result, choice_of

SECONDS = 240


@pytest.mark.slow
@pytest.mark.django_db
def test_a_fault_at_each_point_breaks_no_promise() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.suite", "--seed", "0", "--lanes", "3"],
        cwd=ROOT, env=environment(**SETTINGS, DATABASE_URL=database_url()), stdout=subprocess.PIPE, text=True,
        timeout=SECONDS, check=True,
    )  # fmt: skip
    results = [Result.of(json.loads(line)) for line in done.stdout.splitlines()]
    violated = [line for result in results for line in report.violations(result)]

    assert violated == []
    chosen = list(choice_of(connection.vendor, seed=0))
    assert {result.case for result in results} == set(chosen)
    killed = sum(case.manner == "kill" for case in chosen)
    twice = sum(case.manner == "kill" for case in chosen if case.point == "recovery.before")
    assert sum(result.kills for result in results) == killed + twice
