"""That an answer which isn't as a page shows it is found out."""

import pytest

from tests.docs.answers import faults, is_text, shown_json

REAL = {"task": {"id": 7, "title": "Hello, World", "tags": ["a", "b"], "dueAt": None}, "total": 1}


@pytest.mark.parametrize(
    "shown",
    [
        '{"task": {"id": 7, "title": "Hello, World", "tags": ["a", "b"], "dueAt": null}, "total": 1}',
        '{"task": {"id": …, "title": "Hello, …", "tags": ["a", …], …}, "total": 1}',
        '{"task": {…, "tags": […], "dueAt": null}, …}',
        '{"task": "…", …}',
        "{…}",
    ],
)
def test_what_is_left_out_may_be_anything(shown: str) -> None:
    assert list(faults(shown_json(shown), REAL)) == []


@pytest.mark.parametrize(
    "shown",
    [
        '{"task": {"id": 8, …}, …}',
        '{"task": {"id": "7", …}, …}',
        '{"task": {"id": 7}, …}',
        '{"task": {"tags": ["a", "b"], "id": 7, …}, …}',
        '{"task": {"tags": ["a"], …}, …}',
        '{"task": {"tags": ["b", …], …}, …}',
        '{"task": {"title": "Goodbye, …", …}, …}',
        '{"task": {"dueAt": false, …}, …}',
        '{"task": {"owner": …, …}, …}',
        '{"task": …}',
        "[…]",
    ],
)
def test_anything_else_has_to_be_as_it_is_shown(shown: str) -> None:
    assert list(faults(shown_json(shown), REAL)) != []


def test_so_it_is_with_text() -> None:
    assert is_text(
        "HTTP/1.1 202 Accepted\n…\nlocation: /api/…\n…\n", "HTTP/1.1 202 Accepted\r\na: b\r\nlocation: /api/x\r\n\r\n{}"
    )
    assert not is_text("HTTP/1.1 202 Accepted\n…", "HTTP/1.1 200 OK\r\n\r\n")
