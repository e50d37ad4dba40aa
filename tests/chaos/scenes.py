"""What the scenarios share: their workflows, and how to see that all has ended and everybody is still at work."""

import os
import time

from executions import services
from executions.models import Execution, Step
from tests.chaos.effects import Effects
from tests.chaos.workers import Workers
from tests.executions.programs import scene
from tests.executions.programs.children import eventually
from workflows.documents import Json
from workflows.models import Workflow

LONG = os.environ.get("LONG") == "1"
SECONDS_TO_END = 30.0


def call(effects: Effects, path: str, **more: Json) -> scene.Action:
    return {"type": "call_api", "config": {"url": f"{effects.url}/{path}", "method": "POST"}, **more}


def ten_steps(effects: Effects) -> Workflow:
    """Two of them are transactional."""
    steps = [call(effects, f"effect/{number}") for number in range(8)]
    steps[3:3], steps[9:9] = [scene.task("in the middle")], [scene.task("at the end")]
    return scene.workflow("ten steps", *steps)


def seconds_until_all_have_ended(*, seconds: float = SECONDS_TO_END) -> float:
    began = time.monotonic()
    eventually(lambda: not Execution.objects.unfinished().exists(), seconds=seconds)
    return time.monotonic() - began


def check_all_still_work(*nurseries: Workers) -> None:
    """None has ended, and each takes up what is due: no thread of theirs was lost."""
    workflow = scene.workflow("who is there", {"type": "test_pid", "config": {"seconds": 0.3}})

    def has_answered() -> bool:
        services.start(workflow=workflow)
        seen = Step.objects.filter(execution__workflow=workflow, status="success").values_list("output", flat=True)
        time.sleep(0.1)
        return set(seen) == {pid for workers in nurseries for pid in workers.alive}

    assert [workers.exited() for workers in nurseries] == [{}] * len(nurseries)
    eventually(has_answered)
    assert [workers.exited() for workers in nurseries] == [{}] * len(nurseries)
