"""What `docs/architecture.md` says of the state machine and the rooms is so."""

from executions.engine.plan import MAX_CLAIMS_WITHOUT_PROGRESS
from executions.states import TRANSITIONS
from tests.docs.pages import DOCS, ROOT, codes, read, rows, section

PAGE = DOCS / "architecture.md"


def test_the_table_of_the_state_machine_is_that_of_the_code() -> None:
    table = rows(section(PAGE, "## The state machine"), "status", "may become", "means")

    assert {row["status"].strip("`"): set(codes(row["may become"])) for row in table} == TRANSITIONS


def test_every_room_and_module_named_is_there() -> None:
    for row in rows(section(PAGE, "## The floor plan"), "room", "holds"):
        room = ROOT / row["room"].strip("`")
        for module in codes(row["holds"]):
            assert (room / module).is_dir() or (room / f"{module}.py").is_file(), f"{room.name}/{module}"


def test_no_module_of_the_engine_with_a_job_of_its_own_is_left_out() -> None:
    told = {name for row in rows(section(PAGE, "## The floor plan"), "room", "holds") for name in codes(row["holds"])}
    parts_of_others = {"clock", "records", "scope", "simulation", "transactions", "__init__"}

    assert {file.stem for file in (ROOT / "executions" / "engine").glob("*.py")} - told == parts_of_others


def test_poison_is_stopped_when_the_page_says() -> None:
    assert MAX_CLAIMS_WITHOUT_PROGRESS == 3
    assert "`POISONED` at the fourth claim without progress" in read(PAGE)
    assert "its process ended three times" in read(DOCS / "operations.md")
