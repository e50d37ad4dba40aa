"""Which steps of a long workflow to show on a low screen."""

from collections.abc import Sequence


def window(heights: Sequence[int], focus: int, room: int) -> tuple[int, int]:
    """The slice of steps, each so many lines high, that fits into `room` lines and holds `focus`, with what follows."""
    first, last = focus, min(focus + 1, len(heights))
    while first > 0 and sum(heights[first - 1 : last]) <= room * 2 // 3:
        first -= 1
    while last < len(heights) and sum(heights[first : last + 1]) <= room:
        last += 1
    while first > 0 and sum(heights[first - 1 : last]) <= room:
        first -= 1
    return first, last
