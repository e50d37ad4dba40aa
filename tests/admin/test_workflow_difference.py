"""What changed between two texts: every line of both, or a fold that stands for it."""

import random
import time

import pytest

from workflows.admin.difference import MOST_COMPARED, Kind, difference


def text(*lines: object) -> str:
    return "\n".join(map(str, lines))


def shown(before: str, after: str) -> list[str]:
    return [f"{row.mark or ' '}{row.text}" for row in difference(before, after).rows]


def test_of_two_texts_that_are_the_same_nothing_is_shown() -> None:
    same = difference("a\nb", "a\nb")

    assert not same
    assert same.rows == []


def test_what_went_and_what_came_is_marked_and_numbered() -> None:
    changed = difference(text("a", "b", "c"), text("a", "B", "B2", "c"))

    assert [(row.kind, row.before, row.after, row.text) for row in changed.rows] == [
        (Kind.SAME, 1, 1, "a"),
        (Kind.REMOVED, 2, None, "b"),
        (Kind.ADDED, None, 2, "B"),
        (Kind.ADDED, None, 3, "B2"),
        (Kind.SAME, 3, 4, "c"),
    ]
    assert (changed.added, changed.removed) == (2, 1)


def test_what_stayed_is_folded_but_for_the_lines_around_a_change() -> None:
    before = text(*range(20))

    assert shown(before, before.replace("10", "ten")) == [
        " 7 unchanged lines", " 7", " 8", " 9", "-10", "+ten", " 11", " 12", " 13", " 6 unchanged lines",
    ]  # fmt: skip


def test_one_line_is_shown_rather_than_folded() -> None:
    assert shown(text(0, 1, 2, 3, "x"), text(0, 1, 2, 3, "y")) == [" 0", " 1", " 2", " 3", "-x", "+y"]


@pytest.mark.parametrize("seed", range(20))
def test_both_texts_can_be_put_together_again(seed: int) -> None:
    chance = random.Random(seed)
    before, after = ([chance.choice("abc") for _ in range(chance.randrange(40))] for _ in range(2))
    changed = difference("\n".join(before), "\n".join(after))

    for number, lines in (("before", before), ("after", after)):
        for row in changed.rows:
            if (place := getattr(row, number)) is not None:
                assert lines[place - 1] == row.text
    assert len(before) - changed.removed == len(after) - changed.added


def test_texts_of_any_length_are_compared_in_time() -> None:
    many = [str(number % 7) for number in range(20 * MOST_COMPARED)]
    began = time.process_time()

    changed = difference(text("a", *many, "z"), text("a", *reversed(many), "z"))

    assert time.process_time() - began < 5
    assert changed.added == changed.removed > MOST_COMPARED
