"""The Content Security Policy: strict everywhere, and for the admin what its theme can't do without."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.urls import reverse


class PolicyMiddleware(ContentSecurityPolicyMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith(reverse("admin:index")):
            policy = settings.SECURE_CSP | {"script-src": settings.ADMIN_SCRIPTS}
            response._csp_config = policy  # type: ignore[attr-defined]  # where Django's csp_override leaves it
        return super().process_response(request, response)
