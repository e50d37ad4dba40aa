"""Which Python `make` takes, in a copy of the project's Makefile where the test decides what there is to find."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.config.processes import ROOT, SECONDS

TOOLS = ["make", "mkdir", "rm", "touch", "cat", "chmod"]
WORKS = """
case "$*" in
*"-m venv"*) mkdir -p .venv/bin && cat "$0" > .venv/bin/python && chmod +x .venv/bin/python ;;
esac
"""
DOES_NOT_START = "echo 'pyenv: command not found' >&2; exit 127"
UV_WORKS = 'case "$1" in venv) mkdir -p .venv/bin ;; esac'


def runs_as(minor: int) -> str:
    """A Python that runs code, and says there that it is 3.`minor`."""
    version = f"type('Version', (tuple,), dict(major=3, minor={minor}))((3, {minor}))"
    return f'[ "$1" != -c ] || exec "{sys.executable}" -c "import sys; sys.version_info = {version}; $2"'


@dataclass(frozen=True, slots=True)
class Machine:
    """A place with nothing but a few tools on its PATH, and the commands that a test puts there."""

    home: Path

    def has(self, command: str, script: str) -> None:
        """Puts a `command` on the PATH that writes down how it was called, then does `script`."""
        path = self.home / "bin" / command
        path.write_text(f'#!/bin/sh\necho "{command} $*" >> "{self.home}/calls"\n{script}\n')
        path.chmod(0o755)

    def make(self, target: str = ".venv/installed") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", target],
            cwd=self.project,
            env={"PATH": str(self.home / "bin"), "HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    @property
    def project(self) -> Path:
        return self.home / "a project"

    @property
    def calls(self) -> list[str]:
        return (self.home / "calls").read_text().splitlines()

    @property
    def is_installed(self) -> bool:
        return (self.project / ".venv" / "installed").exists()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} isn't installed"
        (tmp_path / "bin" / tool).symlink_to(found)
    (tmp_path / "a project" / "requirements").mkdir(parents=True)
    (tmp_path / "a project" / "requirements" / "dev.txt").touch()
    shutil.copy(ROOT / "Makefile", tmp_path / "a project")
    return Machine(tmp_path)


def test_it_says_what_to_install_when_there_is_no_python(machine: Machine) -> None:
    answer = machine.make()

    assert answer.returncode != 0
    assert "Trilith needs Python 3.12 or newer, and none starts here." in answer.stderr
    assert "apt install python3 python3-venv" in answer.stderr
    assert not machine.is_installed


def test_it_passes_over_a_python_that_is_there_but_does_not_start(machine: Machine) -> None:
    machine.has("python3.14", DOES_NOT_START)
    machine.has("python3.13", DOES_NOT_START)
    machine.has("python3.12", WORKS)

    answer = machine.make()

    assert answer.returncode == 0, answer.stderr
    assert "Making .venv with python3.12" in answer.stdout
    assert "python3.12 -m venv .venv" in machine.calls
    assert "pyenv: command not found" not in answer.stderr


def test_it_passes_over_a_python_that_is_too_old(machine: Machine) -> None:
    machine.has("python3", runs_as(11))
    machine.has("python", runs_as(12) + WORKS)

    assert "Making .venv with python\n" in machine.make().stdout


def test_it_finds_a_python_that_pyenv_keeps_but_does_not_show(machine: Machine) -> None:
    machine.has("python3", runs_as(11))
    machine.has("kept", WORKS)
    kept = machine.home / ".pyenv" / "versions" / "3.13.0" / "bin"
    kept.mkdir(parents=True)
    (machine.home / "bin" / "kept").rename(kept / "python")

    assert f"Making .venv with {kept}/python" in machine.make().stdout


def test_it_takes_uv_where_there_is_one(machine: Machine) -> None:
    machine.has("uv", UV_WORKS)
    machine.has("python3.13", WORKS)

    assert machine.make().returncode == 0
    assert machine.is_installed
    assert [call for call in machine.calls if call.startswith("python")] == []
    assert any("pip install" in call and "--require-hashes -r requirements/dev.txt" in call for call in machine.calls)


def test_it_passes_over_a_uv_that_does_not_start(machine: Machine) -> None:
    machine.has("uv", DOES_NOT_START)
    machine.has("python3.13", WORKS)

    assert "Making .venv with python3.13" in machine.make().stdout


def test_it_installs_once_and_again_when_the_requirements_change(machine: Machine) -> None:
    machine.has("python3.13", WORKS)
    machine.make()
    machine.make()
    assert machine.calls.count("python3.13 -m venv .venv") == 1

    later = (machine.project / ".venv" / "installed").stat().st_mtime + 10
    os.utime(machine.project / "requirements" / "dev.txt", (later, later))
    machine.make()

    assert machine.calls.count("python3.13 -m venv .venv") == 2


def test_an_installation_that_failed_is_done_again(machine: Machine) -> None:
    machine.has("python3.13", WORKS + 'case "$*" in *"pip install"*) exit 1 ;; esac')
    assert machine.make().returncode != 0
    assert not machine.is_installed

    machine.has("python3.13", WORKS)

    assert machine.make().returncode == 0
    assert machine.is_installed


def test_the_audit_says_so_where_nothing_is_there_to_do_it(machine: Machine) -> None:
    answer = machine.make("audit")

    assert answer.returncode == 0
    assert answer.stdout == "Skipped the audit: neither pip-audit nor uv is installed.\n"


@pytest.mark.parametrize(
    ("command", "call"),
    [("pip-audit", "pip-audit --strict --disable-pip"), ("uv", "uv tool run pip-audit --strict --disable-pip")],
)
def test_the_audit_fails_where_one_is_found(machine: Machine, command: str, call: str) -> None:
    machine.has(command, 'case "$*" in *--require-hashes*) exit 1 ;; esac')

    assert machine.make("audit").returncode != 0
    assert machine.calls[-1] == f"{call} --require-hashes -r requirements/dev.txt"
