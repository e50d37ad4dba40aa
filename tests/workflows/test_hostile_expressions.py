"""Attack strings: each is refused or ends within 50 ms and 10 MB, none reaches Python, none ends the process.

Each attack runs in a forked process of its own, so that a crash of the engine or its memory shows as what it is.
"""

import json
import os
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import pytest

from tests.workflows.hostile_expressions import ATTACKS, Attack
from workflows.conditions import ConditionError, parse_condition
from workflows.documents import Json
from workflows.expressions import EvaluationError, ExpressionError, parse_expression, render
from workflows.expressions.engine import Program
from workflows.expressions.faults import EngineError

MAX_MS = 50
MAX_KIB = 10 * 1024
ORDINARY = Attack("trigger.a + 1 > 2.0", "value", {"a": 1})
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finding:
    """What an attack did to its process. Times are of the processor, so that a busy machine changes nothing."""

    ended: str
    message: str
    cpu_ms: float
    grown_kib: int
    python_kib: int
    status: int


def _perform(attack: Attack) -> tuple[str, str]:
    scope: dict[str, Json] = {"trigger": attack.trigger}
    try:
        match attack.how:
            case "render":
                render(attack.document, scope)
            case "condition":
                parse_condition(attack.document).evaluate(scope)
            case "unguarded":
                json.loads(cast(str, attack.document))
            case _:
                parse_expression(cast(str, attack.document)).evaluate(scope)
    except EvaluationError as error:
        return "failed", error.message
    except (ExpressionError, ConditionError) as error:
        return "refused", error.message
    return "value", ""


def _measured(attack: Attack) -> Finding:
    _perform(ORDINARY)  # touches the pages that a fresh fork shares with its parent
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    ended, message = _perform(attack)
    cpu_ms = (time.process_time() - began) * 1000
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Finding(ended, message, cpu_ms, grown, 0, 0)


def _traced(attack: Attack) -> Finding:
    tracemalloc.start()
    ended, message = _perform(attack)
    return Finding(ended, message, 0, 0, tracemalloc.get_traced_memory()[1] // 1024, 0)


def _forked(run: Callable[[Attack], Finding], attack: Attack) -> Finding:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        finding = json.dumps(asdict(run(attack)))
        os.write(writer, finding[:60_000].encode("utf-8", "replace"))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status or not told:
        return Finding("crashed", "", 0, 0, 0, status or 1)
    return Finding(**json.loads(told))


def attack_all() -> None:
    """Runs in a process of its own, which forks one for each attack, and prints what each did."""
    _perform(ORDINARY)
    findings = {}
    for name, attack in ATTACKS.items():
        measured, traced = _forked(_measured, attack), _forked(_traced, attack)
        findings[name] = asdict(measured) | {
            "python_kib": traced.python_kib,
            "status": measured.status or traced.status,
        }
    print(json.dumps(findings))


@pytest.fixture(scope="module")
def findings() -> dict[str, Finding]:
    program = "from tests.workflows.test_hostile_expressions import attack_all; attack_all()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=240)
    return {name: Finding(**finding) for name, finding in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", ATTACKS)
def test_it_ends_a_hostile_expression_soon_and_small(findings: dict[str, Finding], name: str) -> None:
    finding = findings[name]

    assert finding.status == 0
    assert finding.ended == ATTACKS[name].ends, finding.message
    assert finding.cpu_ms < MAX_MS
    assert finding.grown_kib < MAX_KIB
    assert finding.python_kib < MAX_KIB


@pytest.mark.parametrize("name", ATTACKS)
def test_it_says_in_few_words_what_is_wrong(findings: dict[str, Finding], name: str) -> None:
    message = findings[name].message

    assert len(message) < 500
    assert message.isprintable()
    assert "Traceback" not in message
    assert "RuntimeError" not in message


def test_it_notices_an_attack_that_succeeds() -> None:
    program = "from tests.workflows.test_hostile_expressions import *; show_successful_attacks()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=60)
    hog, crash = (Finding(**finding) for finding in json.loads(done.stdout))

    assert hog.cpu_ms > MAX_MS
    assert hog.grown_kib > MAX_KIB
    assert crash.status != 0


def show_successful_attacks() -> None:
    hog = Attack("[" + "0.5," * 3_000_000 + "0]", "value", how="unguarded")
    print(json.dumps([asdict(_forked(_measured, hog)), asdict(_forked(lambda _: os.abort(), hog))]))


@pytest.mark.parametrize(
    "call",
    [
        *(f"[1].{macro}(r0, true)" for macro in ("map", "filter", "all", "exists", "exists_one")),
        *("[1].map(r0, true, 1)", "'a'.matches('a')", "matches('a', 'a')", "bytes('a')", "optional.of(1)"),
        *("timestamp(0).getHours('/etc/passwd')", "timestamp(0).getDate()", "cel.bind(r0, 1, r0)", "'a'.charAt(0)"),
    ],
)
def test_the_engine_itself_lacks_what_the_reader_refuses(call: str) -> None:
    with pytest.raises(EngineError):
        Program(call)


def test_one_module_alone_knows_the_engine() -> None:
    sources = [
        path for app in ("config", "executions", "workflows", "workspaces") for path in (ROOT / app).rglob("*.py")
    ]

    assert [path.name for path in sources if "cel_expr_python" in path.read_text()] == ["engine.py"]
