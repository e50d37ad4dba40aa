"""Who asks: the user whose token the request carries."""

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from workspaces import tokens
from workspaces.api.throttles import WrongTokenThrottle
from workspaces.models import ApiToken

SCHEME = "Bearer"
MALFORMED = "Send the header as `Authorization: Bearer <token>`: one token, as it was given, and nothing after it."
UNKNOWN = (
    "This token is unknown, expired or revoked, or its user isn't active. "
    "Use another one; `manage.py create_token` makes it."
)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`; `request.auth` is then the ApiToken."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """None without such a header, so that a session may do.

        Raises AuthenticationFailed, which never repeats the token.
        """
        header = request.headers.get("Authorization", "")
        scheme, *credentials = header.split() or [""]
        if scheme.lower() != SCHEME.lower():
            return None
        if len(credentials) != 1 or not header.isascii():
            raise AuthenticationFailed(MALFORMED)
        token = tokens.authenticate(credentials[0])
        if token is None:
            throttle = WrongTokenThrottle()
            if not throttle.allow_request(request, None):
                raise Throttled(throttle.wait())
            raise AuthenticationFailed(UNKNOWN)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """With it, DRF answers 401 and not 403."""
        return SCHEME
