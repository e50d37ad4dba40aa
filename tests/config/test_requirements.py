"""What is pinned is what is asked for: no older than the first release without known faults, and with its hashes."""

import re
from collections.abc import Iterator

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.config.processes import ROOT

FOLDER = ROOT / "requirements"
FLOORS = {"django": "6.1.3", "djangorestframework": "3.18.3", "pydantic": "2"}
FILES = ("base.txt", "tracing.txt", "dev.txt")


def wanted(name: str) -> Iterator[Requirement]:
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "-")):
            yield Requirement(line)


def pinned(name: str) -> dict[str, set[str]]:
    """The versions of each package; some have one for each kind of machine."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.\[\],-]+)==(\S+)", (FOLDER / name).read_text("utf-8"), re.MULTILINE):
        found.setdefault(canonicalize_name(package.partition("[")[0]), set()).add(version)
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_floor_is_kept(file: str) -> None:
    pins = pinned(file)

    for name, floor in FLOORS.items():
        assert all(Version(version) >= Version(floor) for version in pins.get(name, ())), (name, pins[name])
    for requirement in wanted(file.replace(".txt", ".in")):
        name = canonicalize_name(requirement.name)
        assert all(requirement.specifier.contains(version) for version in pins[name]), (name, pins[name])


def test_the_floors_are_asked_for() -> None:
    asked: dict[str, SpecifierSet] = {
        canonicalize_name(requirement.name): requirement.specifier for requirement in wanted("base.in")
    }

    for name, floor in FLOORS.items():
        assert f">={floor}" in str(asked[name])


def test_all_files_pin_the_same() -> None:
    base, dev = pinned("base.txt"), pinned("dev.txt")

    assert {name: dev.get(name) for name in base} == base


@pytest.mark.parametrize("file", FILES)
def test_every_pin_has_its_hashes(file: str) -> None:
    entries = re.split(r"\n(?=\S)", (FOLDER / file).read_text(encoding="utf-8").strip())
    packages = [entry for entry in entries if not entry.startswith("#")]

    assert packages
    assert [entry.split()[0] for entry in packages if "--hash=sha256:" not in entry] == []
