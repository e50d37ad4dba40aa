"""One run after the other on a database of its own: a fault befalls a worker or a server, and another one goes on."""

import time
from contextlib import suppress
from pathlib import Path
from statistics import median

from django.db import connection

from executions.models import Execution
from tests.faults import client, evidence, invariants, players, stage
from tests.faults.cases import FIRST_CUT, Case, Result
from tests.faults.databases import Database, use
from tests.faults.history import Cancel, History, extra_effects
from tests.faults.players import Player, eventually
from tests.faults.programs.players import Held
from tests.faults.sink import Sink
from tests.faults.stage import Piece

UNDISTURBED = 3
SECONDS = 40.0
"""Beyond what a run takes on a machine that has too much to do; what is late is told by `recovery`."""
LOOKS = 5


class Lane:
    """`victim` is armed, `heir` goes on once the fault has happened; both rest between two runs."""

    def __init__(self, database: Database, sink: Sink, log: Path) -> None:
        use(database)
        self._given = database, sink.authority, log
        self._sink = sink
        self._log = log
        self._ada, self._bob = stage.member("ada"), stage.member("bob")
        self._bystander = stage.bystander()
        self._untouched = stage.rows_of(self._bystander)
        self._players: dict[str, Player] = {}
        self._seen: dict[str, list[Held]] = {}
        self._runs = 0
        self._undisturbed = 0.0

    def warm_up(self) -> None:
        """Lets nothing befall some runs, so that it is known how long one takes. Raises AssertionError if one fails."""
        took: list[float] = []
        for number in range(1, UNDISTURBED + 1):
            result = self.run(Case(None, "exception", connection.vendor, number, 0))
            assert not result.violations, result.violations
            took.append(result.recovery)
        self._undisturbed = median(took)

    def run(self, case: Case) -> Result:
        self._runs += 1
        try:
            return _Run(self, case).result()
        except Exception as error:  # noqa: BLE001 (whatever it is, this run is a failure, and the next ones go on)
            self.end()
            broken = f"the run broke off: {type(error).__name__}: {error}"
            return Result(case, 0, 0, 0, 0.0, (broken, self._log.read_text()[-2000:]))

    def end(self) -> None:
        for player in self._players.values():
            player.end()
        self._players.clear()
        self._seen.clear()

    def player(self, name: str) -> Player:
        """The one of that name, a new one if the last has died."""
        if name not in self._players:
            make = players.server if name == "server" else players.worker
            self._players[name] = make(*self._given)
        return self._players[name]

    def bury(self, name: str) -> None:
        self._players.pop(name).end()
        self._seen.pop(name, None)


class _Run:
    def __init__(self, lane: Lane, case: Case) -> None:
        self.lane, self.case = lane, case
        self.deaths = self.exceptions = 0
        self.dice = case.dice("moments")
        self.stage = stage.set_up(lane._runs, lane._sink, lane._ada, lane._bob)
        self.victim_name = "server" if case.is_of_web else "victim"
        self.started: list[tuple[Piece, str]] = []
        self.cancels: list[Cancel] = []

    def result(self) -> Result:
        heir = self.lane.player("heir")
        victim = self.lane.player(self.victim_name)
        self._arm(victim)
        began = time.monotonic()
        self._start(victim)
        if self.case.is_of_web or self.case.point is None:
            heir.tell("go")
        if not self.case.is_of_web:
            with suppress(EOFError):  # it may die of its fault before it has answered
                victim.tell("go")
        self._cancel(victim)
        self._see_it_happen(victim)
        heir.tell("go")
        eventually(self._all_have_ended, SECONDS)
        took = time.monotonic() - began
        return self._checked(took)

    def _arm(self, victim: Player) -> None:
        arms = dict(self.case.arms)
        if "recovery.before" in arms and self.case.manner == "kill":
            arms = {FIRST_CUT: arms[FIRST_CUT]}
        victim.tell("arm", arms, self.case.manner)

    def _start(self, victim: Player) -> None:
        """Through the server where it is the victim; who gets no answer asks again, and says that it is the same."""
        port = victim.tell("port") if self.case.is_of_web else None
        for piece in self.stage.pieces:
            path = client.execute_path(piece.workflow)
            key = f"{piece.workflow.name} of {self.case}"
            status, body = client.ask(piece.member, "POST", path, "{}", port, Idempotency_Key=key)
            if status != 202:
                port = port if status else None
                status, body = client.ask(piece.member, "POST", path, "{}", Idempotency_Key=key)
            assert status == 202, (status, body)
            self.started.append((piece, body["execution"]["id"]))

    def _cancel(self, victim: Player) -> None:
        """At any moment. Through the server where it is to die of it; who gets no answer asks again."""
        time.sleep(self.dice.uniform(0, 0.2))
        point = self.case.point or ""
        if point.startswith("cancel."):
            self.cancels.append(self._cancelled(victim.tell("port"), was_to_land=point == "cancel.after"))
        self.cancels.append(self._cancelled())

    def _cancelled(self, port: int | None = None, *, was_to_land: bool | None = None) -> Cancel:
        piece, execution = self.started[-1]
        path = client.path_of(piece.workflow.workspace.slug, execution)
        answer, _ = client.ask(piece.member, "DELETE", path, None, port)
        at = time.monotonic()
        return Cancel(answer, at, Execution.objects.get(pk=execution).status, was_to_land)

    def _see_it_happen(self, victim: Player) -> None:
        if self.case.manner == "kill" and self.case.point is not None:
            self._see_it_die(self.victim_name, victim)
            if self.case.point == "recovery.before":
                second = self.lane.player("victim")
                second.tell("arm", {"recovery.before": 1}, "kill")
                with suppress(EOFError):
                    second.tell("go")
                self._see_it_die("victim", second)
        else:
            eventually(lambda: len(victim.tell("fired")) == len(self.case.arms), SECONDS)
            self.exceptions = len(victim.tell("fired"))
            if self.exceptions and not self.case.is_of_web:
                victim.tell("rest")  # what it had at the fault is for the heir, and what it has at hand it finishes

    def _see_it_die(self, name: str, player: Player) -> None:
        player.dies(SECONDS)
        self.deaths += player.was_killed
        self.lane.bury(name)

    def _all_have_ended(self) -> bool:
        ids = [execution for _, execution in self.started]
        return not Execution.objects.unfinished().filter(pk__in=ids).exists()

    def _checked(self, took: float) -> Result:
        lives = [
            evidence.life(piece, execution, self.lane._sink, self.dice, self.cancels if not piece.expected else [])
            for piece, execution in self.started
        ]
        slugs = [piece.workflow.workspace for piece in self.stage.pieces]
        history = History(
            armed=len(self.case.arms), fired=self.deaths + self.exceptions,
            accepted=[execution for _, execution in self.started],
            found=[str(key) for key in Execution.objects.filter(workspace__in=slugs).values_list("pk", flat=True)],
            lives=lives, strangers=evidence.strangers(self.started),
            bystanders=(self.lane._untouched, stage.rows_of(self.lane._bystander)),
            held=self._held(), counters=evidence.counters(self.stage),
        )  # fmt: skip
        evidence.read_again(lives)
        found = tuple(invariants.violations(history))
        recovery = max(0.0, took - self.lane._undisturbed)
        return Result(self.case, self.deaths, self.exceptions, extra_effects(history), recovery, found)

    def _held(self) -> dict[str, tuple[Held, Held]]:
        """Of those that are left; what they hold for a moment, they may."""
        return {name: self._at_rest(name, player) for name, player in self.lane._players.items()}

    def _at_rest(self, name: str, player: Player) -> tuple[Held, Held]:
        player.tell("disarm")
        if name != "server":
            player.tell("rest")
        seen = self.lane._seen.setdefault(name, [])
        if len(seen) < UNDISTURBED:  # it connects to this and that when it first needs it
            seen.append(_settled(player))
        first = seen[-1]
        eventually(lambda: not player.tell("held").is_more_than(first), SECONDS)
        return first, player.tell("held")


def _settled(player: Player) -> Held:
    """What it holds once that has stayed the same for a moment."""
    looks: list[Held] = []

    def look() -> bool:
        looks.append(player.tell("held"))
        return len(looks) > LOOKS and len(set(looks[-LOOKS:])) == 1

    eventually(look, SECONDS)
    return looks[-1]
