"""A definition as a drawing: boxes in the order in which they run, from the trigger to the end. Only the geometry."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflows.admin.wording import columns, condition, decides, on_error, span, wrapped
from workflows.definition import Action, Definition
from workflows.definition.schema import NO_CONDITIONS

WIDTH = 340
MARGIN = 4
CENTRE = WIDTH / 2
BOX_WIDTH = WIDTH - 2 * MARGIN
HEAD_HEIGHT = 56
ROW_HEIGHT = 17
ROWS_PADDING = 12
PILL_HEIGHT = 32
GAP = 30
NAME_COLUMNS, TYPE_COLUMNS, ROW_COLUMNS, PILL_COLUMNS = 32, 40, 38, 40
LETTER_WIDTH = 7
MOST_IN_TITLE = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, so far below the top of its box; only the first line of a row has a label."""

    y: float
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A step. `name` and `about` are cut to their room; `says` is all of it. `line`: where it stands in the text."""

    number: int
    line: int | None
    type: str
    y: float
    height: float
    name: str
    about: str
    lines: list[Line]
    says: str
    is_conditional: bool


@dataclass(frozen=True, slots=True)
class Pill:
    """Where it begins, or ends."""

    x: float
    y: float
    width: float
    text_y: float
    text: str
    says: str


@dataclass(frozen=True, slots=True)
class Arrow:
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """`says` is for who can't see it."""

    height: float
    trigger: Pill
    boxes: list[Box]
    end: Pill
    arrows: list[Arrow]
    says: str
    width: int = WIDTH
    margin: int = MARGIN
    box_width: int = BOX_WIDTH
    centre: float = CENTRE
    number_x: int = BOX_WIDTH - 14
    pill_height: int = PILL_HEIGHT
    pill_radius: float = PILL_HEIGHT / 2
    head_height: int = HEAD_HEIGHT


def place_of(index: int) -> str:
    """The path of a step in its definition."""
    return f"actions[{index}]"


def draw(definition: Definition, lines: Mapping[str, int] | None = None) -> Drawing:
    """From top to bottom, as high as it needs. `lines`: on which line of the text each place is."""
    boxes: list[Box] = []
    y = float(MARGIN + PILL_HEIGHT + GAP)
    for index, action in enumerate(definition.actions):
        boxes.append(_box(index, action, y, (lines or {}).get(place_of(index))))
        y += boxes[-1].height + GAP
    trigger = _trigger(definition)
    says = f"{_counted(len(boxes))}, in the order in which they run"
    return Drawing(y + PILL_HEIGHT + MARGIN, trigger, boxes, _end(definition, y), list(_arrows(boxes, y)), says)


def _box(index: int, action: Action, y: float, line: int | None) -> Box:
    rows = list(_rows(action))
    lines = list(_lines(rows, HEAD_HEIGHT + ROWS_PADDING + 6))
    about = f"{action.type} · {action.id}" if action.name else action.type
    name = action.name or action.id
    told = "; ".join(f"{label}: {text}" for label, text, _ in rows)
    return Box(
        number=index + 1, line=line, type=action.type, y=y,
        height=HEAD_HEIGHT + ROW_HEIGHT * len(lines) + ROWS_PADDING,
        name=wrapped(name, NAME_COLUMNS)[0], about=wrapped(about, TYPE_COLUMNS)[0], lines=lines,
        says=f"{index + 1}. {name} ({about}). {told}."[:MOST_IN_TITLE], is_conditional=_has_condition(action),
    )  # fmt: skip


def _has_condition(action: Action) -> bool:
    return action.conditions not in NO_CONDITIONS


def _rows(action: Action) -> Iterator[tuple[str, str, int]]:
    """A label, its text, and in how many lines that may stand."""
    if _has_condition(action):
        yield "only if", condition(action.conditions), 2
    if what := decides(action):
        yield "checks", what, 3
    yield "on error", on_error(action), 2
    yield "time limit", f"{span(action.timeout)} an attempt", 1


type _Row = tuple[str, str, int]


def _lines(rows: Iterable[_Row], y: float) -> Iterator[Line]:
    for label, text, most in rows:
        for number, part in enumerate(wrapped(text, ROW_COLUMNS, most)):
            yield Line(y, "" if number else label, part)
            y += ROW_HEIGHT


def _arrows(boxes: list[Box], end: float) -> Iterator[Arrow]:
    begin = float(MARGIN + PILL_HEIGHT)
    for box in boxes:
        yield Arrow(begin, box.y)
        begin = box.y + box.height
    yield Arrow(begin, end)


def _trigger(definition: Definition) -> Pill:
    kind = definition.trigger.type
    return _pill(MARGIN, f"Trigger: {kind}", f"It begins with its trigger: {kind}.")


def _end(definition: Definition, y: float) -> Pill:
    if definition.timeout is None:
        return _pill(y, "End", "The end. There is no time limit for the whole.")
    text = f"End, {span(definition.timeout)} after the start at most"
    return _pill(y, text, f"{text}.")


def _pill(y: float, text: str, says: str) -> Pill:
    text = wrapped(text, PILL_COLUMNS)[0]
    width = min(BOX_WIDTH, LETTER_WIDTH * columns(text) + PILL_HEIGHT)
    return Pill(CENTRE - width / 2, y, width, y + PILL_HEIGHT / 2 + 4, text, says)


def _counted(steps: int) -> str:
    return "One step" if steps == 1 else f"{steps} steps"
