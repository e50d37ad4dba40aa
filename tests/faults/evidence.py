"""Asks database, API and stream what became of a run's executions."""

import random
from collections.abc import Sequence

from executions import services
from executions.engine import journal
from executions.models import Execution
from executions.representation import step_json
from executions.states import TransitionNotAllowed
from tests.executions.counters import counted, kept
from tests.faults import client
from tests.faults.history import Cancel, Life, Row
from tests.faults.sink import Sink
from tests.faults.stage import Piece, Stage, execution_rows
from workflows.services import definition_of
from workspaces.models import Task


def life(piece: Piece, execution: str, sink: Sink, dice: random.Random, cancels: list[Cancel]) -> Life:
    row, steps = execution_rows(execution)
    path = client.path_of(piece.workflow.workspace.slug, execution)
    _, shown = client.ask(piece.member, "GET", path)
    stored = Execution.objects.get(pk=execution)
    return Life(
        name=piece.workflow.name, actions=definition_of(stored.version_id).actions, expected=piece.expected,
        row=row, steps=steps, again=(row, steps), shown=shown["execution"],
        log={step.position: step_json(step) for step in stored.steps.all()},
        streams={since: client.stream(piece.member, path, since) for since in _joins(stored, dice)},
        requests=sink.of(execution),
        tasks=[*Task.objects.filter(execution_id=execution).values_list("step_path", flat=True)], cancels=cancels,
        was_moved=stored.has_ended and _moves(stored),
    )  # fmt: skip


def _joins(execution: Execution, dice: random.Random) -> set[int]:
    """Where a client joins who has seen so many events: none, any number of them, all; nowhere before the end."""
    return {0, dice.randint(0, execution.position), execution.position} if execution.has_ended else set()


def _moves(execution: Execution) -> bool:
    """Whether an execution that has ended can be claimed or cancelled all the same."""
    if journal.claim(execution.pk) is not None:
        return True
    try:
        services.cancel(execution=execution)
    except TransitionNotAllowed:
        return False
    return True


def read_again(lives: Sequence[Life]) -> None:
    for each in lives:
        each.again = execution_rows(each.row["id"])


def strangers(started: Sequence[tuple[Piece, str]]) -> list[int]:
    """What a member of one workspace is answered who asks for an execution of the other, there or in his own."""
    (mine, my_execution), (theirs, their_execution), *_ = started
    my_place, their_place = mine.workflow.workspace.slug, theirs.workflow.workspace.slug
    asked = [
        (mine, client.path_of(their_place, their_execution)), (mine, client.path_of(my_place, their_execution)),
        (theirs, client.path_of(my_place, my_execution)), (theirs, client.path_of(their_place, my_execution)),
    ]  # fmt: skip
    return [client.ask(piece.member, "GET", path)[0] or 0 for piece, path in asked]


def counters(of_stage: Stage) -> list[tuple[Row, Row]]:
    return [(kept(piece.workflow), counted(piece.workflow)) for piece in of_stage.pieces]
