"""The id of a request: in its answer, in each line of the log, in the evidence that it leaves."""

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:  # what only writes log lines does without Django
    from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
SENT = "HTTP_X_REQUEST_ID"  # looked up so, because `headers` would go through all of them
# Where a worker's access log finds it after the answer has gone.
IN_ENVIRON = "foreman.request_id"
# What a proxy or a builder may call its request: nothing that a log would have to escape.
SANE = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)

current: ContextVar[str] = ContextVar("request_id", default="")


class RequestIDMiddleware:
    """Use the id that a request sends, or generate one."""

    def __init__(self, get_response: Callable[["HttpRequest"], "HttpResponse"]) -> None:
        self.get_response = get_response

    def __call__(self, request: "HttpRequest") -> "HttpResponse":
        name = request.META.get(SENT, "")
        if not SANE.fullmatch(name):
            name = uuid4().hex
        request.META[IN_ENVIRON] = name
        before = current.set(name)
        try:
            response = self.get_response(request)
        finally:
            current.reset(before)
        response.headers[HEADER] = name
        return response
