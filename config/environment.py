"""Reads settings from the environment. A wrong value becomes a problem to report; its default stands in meanwhile."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from cryptography.fernet import Fernet
from environs import Env, EnvValidationError, ValidationError

SMTP = {
    "smtp": {"port": 25},
    "submission": {"port": 587, "use_tls": True},
    "smtps": {"port": 465, "use_ssl": True},
}
BROKERS = ("redis", "rediss", "amqp", "amqps")
MAX_PORT = 65_535
MIN_KEY_LENGTH, MIN_KEY_VARIETY = 50, 5
NEW_KEY = "openssl rand -base64 32 | tr '+/' '-_' makes one."
env = Env()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the variable `name`, without its value (it may be a secret), and the `mend`."""

    name: str
    message: str
    mend: str


PROBLEMS: list[Problem] = []


def report(name: str, message: str, mend: str) -> None:
    PROBLEMS.append(Problem(name, message, mend))


def read[T](parse: Callable[..., Any], name: str, default: T, *, mend: str, **options: Any) -> T:
    """The value of the environment variable `name`, or `default` where it is unset or wrong; a wrong one is reported.

    `parse` is one of environs' readers (`env.int`), `options` go to it, `mend` says what to write instead.
    """
    try:
        value: T = parse(name, default, **options)
    except EnvValidationError as error:
        report(name, _reason(error.error_messages), mend)
        return default
    return value


def _reason(messages: Mapping[Any, list[str]] | list[str]) -> str:
    """Environs' own words on what is wrong; those on a list's items come by index."""
    if isinstance(messages, list):
        return " ".join(messages)
    return " ".join(f"Item {index + 1}: {' '.join(texts)}" for index, texts in messages.items())


def database(name: str, *, base: Path, default: str, mend: str) -> dict[str, Any]:
    """The database that the URL in `name` gives, a relative SQLite path counted from `base`.

    Empty when the URL is wrong: Django then refuses every query, instead of working on another database.
    """
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(env.str(name, default)))
    except ValueError:
        report(name, "Not a database URL.", mend)
        return {}
    if parsed["ENGINE"] == "django.db.backends.sqlite3" and parsed["NAME"] != ":memory:":
        return parsed | {"NAME": base / parsed["NAME"]}
    if parsed["ENGINE"] == "django.db.backends.postgresql":
        return parsed
    report(name, "Neither PostgreSQL nor SQLite in a file.", mend)
    return {}


def mailer(name: str, *, default: str, mend: str) -> dict[str, Any]:
    """An entry of Django's MAILERS from a URL.

    `console://` prints mails; `smtp://` sends them in the clear, `submission://` with STARTTLS, `smtps://` with TLS.
    """
    url = urlsplit(env.str(name, default))
    if url.scheme == "console":
        return {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
    try:
        options: dict[str, Any] = SMTP[url.scheme] | ({"port": url.port} if url.port else {})
    except (KeyError, ValueError):
        report(name, "Not a mail URL.", mend)
        return {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    options |= {"host": url.hostname or "localhost", "timeout": 10}
    if url.username:
        options |= {"username": unquote(url.username), "password": unquote(url.password or "")}
    return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}


def host_and_port(value: str) -> str:
    """`value` without spaces around it. Raises ValidationError unless it is `host:port` with a port that exists."""
    address = value.strip()
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdigit() or not 1 <= int(port) <= MAX_PORT:
        raise ValidationError(f"{address!r} isn't host:port.")
    return address


def fernet_key(value: str) -> str:
    """`value` without spaces around it. Raises ValidationError unless it is 32 bytes in URL-safe base64."""
    key = value.strip()
    try:
        Fernet(key)
    except ValueError as error:
        raise ValidationError("Not a key of 32 bytes in URL-safe base64.") from error
    if len(set(base64.urlsafe_b64decode(key))) < MIN_KEY_VARIETY:
        raise ValidationError("A key that anybody would try.")
    return key


def derived_key(text: str) -> str:
    """A key that is always the same for the same text."""
    digest = hashlib.blake2b(text.encode(), digest_size=32, person=b"trilith.secrets").digest()
    return base64.urlsafe_b64encode(digest).decode()


def plain(key: str) -> str:
    """Without what a shell or a file of variables may have put around it."""
    return key.strip(" \t\r\n'\"").casefold()


def is_weak(key: str) -> bool:
    """Whether it signs little of worth: by Django's own measure, characters and how many different ones."""
    return len(key) < MIN_KEY_LENGTH or len(set(key)) < MIN_KEY_VARIETY


def is_installed(module: str) -> bool:
    """Whether it could be imported; only the packages around it are."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
