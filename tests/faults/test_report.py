"""What the command says at its end, and that it doesn't pass for want of runs."""

import pytest

from executions.engine.faults import POINTS
from tests.faults import __main__ as command
from tests.faults import cases, report
from tests.faults.__main__ import Half
from tests.faults.cases import Case, Result


def result(point: str, *violations: str) -> Result:
    return Result(Case(point, "kill", "sqlite", 1, 7), 1, 0, 1, 0.5, violations)


def a_run_of_each(*, runs: int = 1) -> Half:
    half = Half("sqlite", "", runs, seed=7)
    half.results = [
        Result(case, int(case.manner == "kill"), int(case.manner == "exception"), 0, 1.0, ())
        for case in cases.all_of("sqlite", runs=runs, seed=7)
    ]
    half.ended = 0
    return half


def test_the_last_line_counts_runs_kills_and_violations() -> None:
    assert report.last_line([result("effect.after"), result("claim.after")]) == "2 runs, 2 kills, 0 violations"
    assert report.last_line([result("claim.after", "no leak: …")], unfinished=2) == "1 runs, 1 kills, 3 violations"


def test_the_figures_of_a_database_are_all_told() -> None:
    told = "sqlite: 2 runs, 2 kills, 0 exceptions, 2 extra effects, recovery p50 0.50 s, p99 0.50 s"

    assert report.figures("sqlite", [result("effect.after"), result("claim.after")]) == told


def test_a_violation_says_in_which_run_of_what_where_and_how_to_draw_it_again() -> None:
    (line,) = report.violations(result("effect.after", "no leak: heir holds more"))

    assert line == "VIOLATED in run 1 of effect.after by kill on sqlite (seed 7): no leak: heir holds more"


def test_it_passes_once_every_run_has_its_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.told([a_run_of_each()], 1.0) == 0
    runs = len(cases.points_on("sqlite")) * 2

    assert capsys.readouterr().out.splitlines()[-1] == f"{runs} runs, {runs // 2} kills, 0 violations"


def test_a_violation_a_run_without_a_result_and_a_suite_that_breaks_off_are_no_pass() -> None:
    violated, cut_short, broken = a_run_of_each(), a_run_of_each(), a_run_of_each()
    violated.results[0] = result("claim.after", "not lost: …")
    cut_short.results.pop()
    broken.ended = 1

    assert [command.told([half], 1.0) for half in (violated, cut_short, broken)] == [1, 1, 1]


def test_each_point_befalls_in_either_manner_and_in_the_choice_once() -> None:
    chosen = [case.point for case in cases.choice_of("postgresql", seed=3)]
    both = [(case.point, case.manner) for case in cases.all_of("postgresql", runs=1, seed=3)]

    assert sorted(chosen, key=str) == sorted(POINTS)
    assert set(both) == {(point, manner) for point in POINTS for manner in cases.MANNERS}
