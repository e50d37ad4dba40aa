"""A definition as a drawing: what is in it, where it is, and that nothing lies on anything else."""

from typing import Any

import pytest

from tests.workflows.definitions import notify
from workflows.admin.drawing import BOX_WIDTH, WIDTH, Box, Drawing, draw
from workflows.admin.wording import condition, span, wrapped
from workflows.definition import parse, with_ids
from workflows.documents import Json


def drawn(*actions: Json, **fields: Json) -> Drawing:
    return draw(parse(with_ids({"actions": list(actions), **fields})))


def box_of(**fields: Any) -> Box:
    return drawn(notify(**fields)).boxes[0]


def rows(box: Box) -> dict[str, str]:
    """What it says after each label, its lines put together again."""
    found: dict[str, str] = {}
    label = ""
    for line in box.lines:
        label = line.label or label
        found[label] = f"{found[label]} {line.text}" if label in found else line.text
    return found


def test_steps_stand_below_each_other_in_the_order_in_which_they_run() -> None:
    drawing = drawn(notify("one"), notify("two"), notify("three"))

    assert [(box.number, box.name) for box in drawing.boxes] == [(1, "one"), (2, "two"), (3, "three")]
    edges = [drawing.trigger.y + drawing.pill_height]
    for box in drawing.boxes:
        edges += [box.y, box.y + box.height]
    edges += [drawing.end.y, drawing.end.y + drawing.pill_height, drawing.height]
    assert edges == sorted(edges)
    assert len(set(edges)) == len(edges)


def test_arrows_lead_from_edge_to_edge() -> None:
    drawing = drawn(notify("one"), notify("two"))
    one, two = drawing.boxes

    assert [(arrow.begin, arrow.end) for arrow in drawing.arrows] == [
        (drawing.trigger.y + drawing.pill_height, one.y),
        (one.y + one.height, two.y),
        (two.y + two.height, drawing.end.y),
    ]


def test_every_line_lies_inside_its_box() -> None:
    box = box_of(conditions="trigger.a == 1 && " * 20 + "true", onError="retry")

    assert [line.y for line in box.lines] == sorted(line.y for line in box.lines)
    assert max(line.y for line in box.lines) < box.height


def test_a_step_says_its_type_its_id_and_what_happens_on_an_error() -> None:
    box = box_of(name="Tell Ada", timeout=90_000, onError="continue")

    assert (box.name, box.about, box.type) == ("Tell Ada", "send_notification · tell", "send_notification")
    assert rows(box) == {"on error": "continue with the next step", "time limit": "1 min 30 s an attempt"}


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ({}, "retry 3 times, after 1 s, then 2 times longer, up to 1 min"),
        ({"maxRetries": 5, "delayMs": 400, "backoffMultiplier": 1}, "retry 5 times, after 400 ms"),
        ({"maxRetries": 1, "delayMs": 1500}, "retry once, after 1.5 s"),
    ],
)
def test_a_retry_says_its_numbers(policy: dict[str, Json], says: str) -> None:
    assert rows(box_of(onError="retry", retryConfig=policy))["on error"] == says


def test_a_condition_of_a_step_is_drawn_and_marked() -> None:
    box = box_of(conditions=[{"field": "trigger.total", "operator": "greater_than", "value": 5}])

    assert box.is_conditional
    assert rows(box)["only if"] == "trigger.total > 5"
    assert not box_of(conditions=[]).is_conditional


def test_a_step_that_decides_says_what_it_looks_at() -> None:
    box = drawn({"type": "condition", "config": {"expression": "trigger.ok", "onFalse": "stop"}}, notify()).boxes[0]

    assert rows(box)["checks"] == "trigger.ok; if not, ends the workflow"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{{ trigger.ok }}", "trigger.ok"),
        ({"field": "a.b", "operator": "exists"}, "a.b exists"),
        ({"field": "a", "operator": "equals", "value": "{{ variables.b }}"}, "a = variables.b"),
        ({"field": "a", "operator": "equals", "value": "{{ b }} and {{ c }}"}, 'a = "{{ b }} and {{ c }}"'),
        ({"field": "a", "operator": "equals", "value": None}, "a = null"),
        ([{"field": "a", "operator": "exists"}, {"any": ["b", "c"]}], "a exists and (b or c)"),
        ({"not": {"all": ["a", "b"]}}, "not (a and b)"),
        ([["a"]], "a"),
    ],
)
def test_conditions_in_words(document: Json, says: str) -> None:
    assert condition(document) == says


def test_the_trigger_stands_at_the_top_and_the_time_limit_of_the_whole_at_the_bottom() -> None:
    drawing = drawn(notify(), trigger={"type": "webhook"}, timeout=7_200_000)

    assert drawing.trigger.text == "Trigger: webhook"
    assert drawing.end.text == "End, 2 h after the start at most"
    assert drawn(notify()).end.text == "End"


def test_a_long_name_is_cut_and_the_title_has_all_of_it() -> None:
    name = "A name that is so long that no box has room for it"

    box = box_of(name=name)

    assert box.name.endswith("…")
    assert name.startswith(box.name[:-1].rstrip())
    assert name in box.says


def test_pills_stay_inside_the_drawing_whatever_they_say() -> None:
    pill = drawn(notify(), trigger={"type": "w" * 64}).trigger

    assert pill.width <= BOX_WIDTH
    assert pill.x >= 0
    assert pill.x + pill.width <= WIDTH


def test_a_step_knows_its_line() -> None:
    definition = parse(with_ids({"actions": [notify()]}))

    assert draw(definition, {"actions[0]": 4}).boxes[0].line == 4
    assert draw(definition).boxes[0].line is None


@pytest.mark.parametrize(
    ("milliseconds", "says"),
    [
        (0, "0 ms"), (999, "999 ms"), (1_000, "1 s"), (1_500, "1.5 s"), (60_000, "1 min"),
        (90_500, "1 min 30 s 500 ms"), (86_400_000, "24 h"),
    ],
)  # fmt: skip
def test_spans_are_said_exactly(milliseconds: int, says: str) -> None:
    assert span(milliseconds) == says


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("two words here", ["two words", "here"]),
        ("averyveryverylongword", ["averyveryv", "erylongwo…"]),
        ("漢字漢字漢字漢字", ["漢字漢字漢", "字漢字"]),
        ("one\ntwo", ["one two"]),
        ("", [""]),
    ],
)
def test_texts_are_wrapped_and_cut_to_their_room(text: str, lines: list[str]) -> None:
    assert wrapped(text, 10, 2) == lines
