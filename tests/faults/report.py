"""What the runs came to: a line for each violation, the figures, and the sum of it all as the last line."""

from collections.abc import Sequence

from tests.chaos.report import spread
from tests.faults.cases import Result


def violations(result: Result) -> list[str]:
    return [f"VIOLATED in {result.case}: {violation}" for violation in result.violations]


def figures(database: str, results: Sequence[Result]) -> str:
    told = {
        "runs": len(results),
        "kills": sum(result.kills for result in results),
        "exceptions": sum(result.exceptions for result in results),
        "extra effects": sum(result.extra for result in results),
    }
    counted = ", ".join(f"{number} {name}" for name, number in told.items())
    return f"{database}: {counted}, recovery {spread([result.recovery for result in results])}"


def last_line(results: Sequence[Result], *, unfinished: int = 0) -> str:
    """`unfinished`: runs that there was to be a result of, and is none; each is a violation."""
    violated = sum(len(result.violations) for result in results) + unfinished
    return f"{len(results)} runs, {sum(result.kills for result in results)} kills, {violated} violations"
