"""What is answered while the database is away where no view of the API could say so: in middleware, and by pages."""

from collections.abc import Callable
from typing import override

import orjson
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from config import outages
from config.problems import CODES, CONTENT_TYPE, is_for_programs, problem

STATUS = 503


class UnavailableMiddleware:
    """For views that aren't the API's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Of a view, and of a page that asks the database only as it is rendered."""
        return _unavailable(request, error) if outages.is_outage(error) else None


class SessionMiddleware(DjangoSessionMiddleware):
    """Saves the session after the view, when nobody is there any more who would say what failed."""

    @override
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except Exception as error:
            if not outages.is_outage(error):
                raise
            return _unavailable(request, error)


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """A page for browsers, a problem for programs."""
    outages.report(request.method, request.path, error)
    message = outages.message_for(request.method)
    if is_for_programs(request):
        answer = HttpResponse(orjson.dumps(problem(STATUS, CODES[STATUS], message)), CONTENT_TYPE, STATUS)
    else:
        answer = HttpResponse(render_to_string("503.html", {"message": message}), status=STATUS)
    answer.headers["Retry-After"] = str(outages.RETRY_SECONDS)
    outages.spare_the_log(answer)
    return answer
