"""Measures pages of the admin on the database of DATABASE_URL; prints their medians as JSON. Started by `admin`."""

import json
import os
import time
from collections.abc import Callable
from statistics import median

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 (the apps have to be there first)
from django.test import Client  # noqa: E402 (the apps have to be there first)
from django.urls import reverse  # noqa: E402 (the apps have to be there first)

from tests.benchmarks.admin_scene import MESSAGE, Scene, prepare  # noqa: E402 (the apps have to be there first)

ROUNDS, WARM_UPS = 15, 3
type Page = tuple[Client, str]


def pages(scene: Scene) -> dict[str, Page]:
    admin, member, owner = scene.admin, scene.member, scene.owner
    listed = reverse("admin:executions_execution_changelist")
    prefix, digits = str(scene.middle)[:18], scene.middle.hex[-6:]
    by_admin = {
        "before the middle": f"before={scene.middle}",
        "after the middle": f"after={scene.middle}",
        **{f"status {status}": f"status={status}" for status in ("COMPLETED", "FAILED", "TIMEOUT", "PENDING", "wrong")},
        "workspace": f"workspace={scene.large.workspace_id}",
        "workspace and status": f"workspace={scene.small.workspace_id}&status=FAILED",
        "workflow": f"workflow={scene.large.pk}",
        "workflow and status": f"workflow={scene.large.pk}&status=FAILED",
        "trigger webhook": "trigger=webhook",
        "trigger that is rare": "trigger=schedule",
        "dry runs": "simulation=yes",
        "real runs": "simulation=no",
        "last 24 hours": "created=24h",
        "last 30 days, failed": "created=30d&status=FAILED",
        "search: id": f"q={scene.middle}",
        "search: beginning of an id": f"q={prefix}",
        "search: name": "q=million+not+there",
        "search: name that there is": f"q={scene.small.name[:5]}",
        "search: error of many": f"q={MESSAGE}&errors_only=on",
        "search: error of one": f"q={digits}&errors_only=on",
    }
    return {
        "list": (admin, listed),
        "execution": (admin, reverse("admin:executions_execution_change", args=[scene.long.pk])),
        **{name: (admin, f"{listed}?{query}") for name, query in by_admin.items()},
        "staff of the small workspace": (member, listed),
        "that, status COMPLETED": (member, f"{listed}?status=COMPLETED"),
        "that, status PENDING": (member, f"{listed}?status=PENDING"),
        "that, trigger webhook": (member, f"{listed}?trigger=webhook"),
        "that, search: error": (member, f"{listed}?q={digits}&errors_only=on"),
        "staff of both workspaces": (owner, listed),
        "that, status FAILED": (owner, f"{listed}?status=FAILED"),
        "that, before the middle": (owner, f"{listed}?before={scene.middle}"),
    }


def main() -> None:
    call_command("migrate", verbosity=0)
    print(json.dumps({name: _median(page) for name, page in pages(prepare()).items()}))


def _median(page: Page) -> float:
    """Of whole answers (ms), made in this process without a server around it."""
    client, address = page
    times = [_timed(lambda: client.get(address).status_code) for _ in range(WARM_UPS + ROUNDS)]
    return round(median(times[WARM_UPS:]), 3)


def _timed(answer: Callable[[], int]) -> float:
    began = time.perf_counter()
    status = answer()
    took = (time.perf_counter() - began) * 1_000
    if status != 200:
        raise RuntimeError(f"It answered with {status}.")
    return took


if __name__ == "__main__":
    main()
