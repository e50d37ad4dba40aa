from pathlib import Path

import pytest

from config import environment
from config.environment import Problem, env


@pytest.fixture(autouse=True)
def problems(monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    found: list[Problem] = []
    monkeypatch.setattr(environment, "PROBLEMS", found)
    return found


def test_a_wrong_value_is_reported_and_its_default_stands_in(
    monkeypatch: pytest.MonkeyPatch, problems: list[Problem]
) -> None:
    monkeypatch.setenv("COUNT", "many")

    assert environment.read(env.int, "COUNT", 3, mend="Write a number.") == 3
    assert problems == [Problem("COUNT", "Not a valid integer.", "Write a number.")]


def test_a_list_says_which_of_its_items_is_wrong(monkeypatch: pytest.MonkeyPatch, problems: list[Problem]) -> None:
    monkeypatch.setenv("HOSTS", "127.0.0.1:8000, [::1]:80,host,host:70000,http://host:80")

    hosts = environment.read(env.list, "HOSTS", list[str](), subcast=environment.host_and_port, mend="")

    assert hosts == []
    assert problems[0].message.split(". ") == [
        "Item 3: 'host' isn't host:port",
        "Item 4: 'host:70000' isn't host:port",
        "Item 5: 'http://host:80' isn't host:port.",
    ]


def test_hosts_lose_the_spaces_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", "127.0.0.1:8000, [::1]:80")

    hosts = environment.read(env.list, "HOSTS", list[str](), subcast=environment.host_and_port, mend="")

    assert hosts == ["127.0.0.1:8000", "[::1]:80"]


def test_a_relative_sqlite_path_counts_from_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("URL", "sqlite:///here.sqlite3")

    assert environment.database("URL", base=Path("/project"), default="", mend="")["NAME"] == Path(
        "/project/here.sqlite3"
    )


@pytest.mark.parametrize("url", ["", "nonsense", "sqlite://", "sqlite://:memory:", "mysql://h/n", "postgresql://h:x/n"])
def test_a_database_that_threads_and_processes_cannot_share_is_refused(
    monkeypatch: pytest.MonkeyPatch, problems: list[Problem], url: str
) -> None:
    monkeypatch.setenv("URL", url)

    assert environment.database("URL", base=Path("/project"), default="", mend="") == {}
    assert [problem.name for problem in problems] == ["URL"]


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://mail", {"host": "mail", "port": 25}),
        ("smtp://mail:2525", {"host": "mail", "port": 2525}),
        ("smtps://mail", {"host": "mail", "port": 465, "use_ssl": True}),
        (
            "submission://me%40here:p%3Aw@mail",
            {"host": "mail", "port": 587, "use_tls": True, "username": "me@here", "password": "p:w"},
        ),
    ],
)
def test_a_mail_url_names_server_and_encryption(
    monkeypatch: pytest.MonkeyPatch, url: str, options: dict[str, object]
) -> None:
    monkeypatch.setenv("URL", url)

    mailer = environment.mailer("URL", default="", mend="")

    assert mailer["BACKEND"] == "django.core.mail.backends.smtp.EmailBackend"
    assert mailer["OPTIONS"] == options | {"timeout": 10}


def test_a_mail_url_that_means_nothing_is_reported(monkeypatch: pytest.MonkeyPatch, problems: list[Problem]) -> None:
    monkeypatch.setenv("URL", "carrier://pigeon")

    environment.mailer("URL", default="", mend="Write another.")

    assert problems == [Problem("URL", "Not a mail URL.", "Write another.")]


@pytest.mark.parametrize(
    ("key", "expected"), [("", True), ("hunter2", True), ("x" * 60, True), ("abcd" * 20, True), ("abcde" * 10, False)]
)
def test_a_key_is_weak_that_is_short_or_of_few_characters(key: str, expected: object) -> None:
    assert environment.is_weak(key) is expected
