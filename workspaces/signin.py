"""Signing in with a password: how often one may be wrong, and how long one then waits.

The time grows with each failure, up to a limit. A name is slowed from everywhere at once only for addresses from which
its user hasn't signed in lately, so that nobody can lock somebody out for good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from workspaces import audit
from workspaces.models import Action, AuditEntry, SignInFailure
from workspaces.speakers import network_of

REMEMBERED = timedelta(days=1)
KNOWN_FOR = timedelta(days=90)
FIRST_WAIT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures in a day are free; then each doubles the wait, up to `most_seconds`."""

    free: int
    most_seconds: int

    def seconds(self, failures: int) -> int:
        over = failures - self.free
        return 0 if over < 0 else min(self.most_seconds, FIRST_WAIT_SECONDS * 2 ** min(over, 20))


OF_NAME_AND_NETWORK = Limit(free=5, most_seconds=3600)
OF_NETWORK = Limit(free=50, most_seconds=3600)
OF_NAME = Limit(free=50, most_seconds=300)


class TooManyFailures(Exception):
    """Not even the right password is taken for so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong passwords; try again in {seconds} seconds.")
        self.seconds = seconds


class Backend(ModelBackend):
    """Django's, which takes as long for a user that there isn't, and counts failures. Raises TooManyFailures."""

    @override
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> Any:
        if request is None or not username or password is None:
            return super().authenticate(request, username, password, **more)
        failures = _counted(username, network_of(request.META.get("REMOTE_ADDR", "")))
        user = super().authenticate(request, username, password, **more)
        if user is None:
            _tell(username)
        else:
            failures.delete()
        return user


def prune() -> None:
    SignInFailure.objects.filter(at__lt=timezone.now() - REMEMBERED).delete()


def _counted(name: str, network: str) -> Any:
    """The failures of this name from there, this try among them until its password has proved right.

    So tries at the same time count each other.
    """
    now, digest = timezone.now(), salted_hmac("trilith.signin", name, algorithm="sha256").hexdigest()
    mine = recent().filter(name=digest, network=network)
    seconds = max(_wait(mine, OF_NAME_AND_NETWORK, now), _wait(recent().filter(network=network), OF_NETWORK, now))
    of_name = _wait(recent().filter(name=digest), OF_NAME, now)
    if of_name > seconds and not _is_known(name, network):
        seconds = of_name
    if seconds:
        raise TooManyFailures(seconds)
    SignInFailure.objects.create(name=digest, network=network, at=now)
    return mine


def _wait(failures: Any, limit: Limit, now: datetime) -> int:
    """Seconds that are left; whole ones, and at least one while there is anything left.

    Never more than these failures cost, also where one was written by a clock that was ahead of this one.
    """
    found = failures.aggregate(number=Count("pk"), latest=Max("at"))
    if not found["number"]:
        return 0
    seconds = limit.seconds(found["number"])
    until = found["latest"] + timedelta(seconds=seconds)
    return max(0, min(seconds, -int((now - until) // timedelta(seconds=1))))


def recent() -> QuerySet[SignInFailure]:
    """The failures that count."""
    return SignInFailure.objects.filter(at__gt=timezone.now() - REMEMBERED)


def from_where(user_id: int) -> QuerySet[AuditEntry, str]:
    """The addresses from which this user has lately signed in."""
    signed_in = AuditEntry.objects.filter(actor_id=user_id, action=Action.SIGN_IN, at__gt=timezone.now() - KNOWN_FOR)
    return signed_in.values_list("address", flat=True)


def _is_known(name: str, network: str) -> bool:
    user_id = User.objects.filter(username=name).values_list("pk", flat=True).first()
    return user_id is not None and any(network_of(address) == network for address in from_where(user_id))


def _tell(name: str) -> None:
    """With the name only where it is a user's: others may be a password in the wrong field."""
    user = User.objects.filter(username=name).first()
    audit.record(Action.SIGN_IN_FAILED, user, label=name if user else "an unknown name")
