"""A few hundred of each kind, the same in each run; `make test-fuzz` makes them up anew for minutes."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings

from tests.config.processes import ROOT
from tests.hostile.fuzzing import KINDS, seconds_of


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of examples that are long to write down
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_made_up_breaks_or_holds_up(kind: str) -> None:
    strategy, check = KINDS[kind]

    @settings(max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck])
    @given(strategy)
    def holds(example: object) -> None:
        seconds_of(check, example)

    holds()


def test_the_long_form_says_what_it_found() -> None:
    program = [sys.executable, "-m", "tests.hostile.fuzz", "0.05"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert " examples, 0 crashes, slowest " in done.stdout.splitlines()[-1]
