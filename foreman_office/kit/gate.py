"""A gate before the views: of the requests of a process, a few run and the others wait their turn.

Threads that run share one interpreter, and the more of them there are, the more time goes into
handing it around; threads that sleep cost nothing. So a process has many threads, for streams and
for whoever waits, and lets few requests run. A response that is streamed has left the gate.
"""

from collections.abc import Callable
from threading import Semaphore

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from foreman_office.kit.unavailable import Crowded, unavailable

PATIENCE = 5  # seconds until a request is told to come back: no more than it waits for a connection

# Whoever runs the office is answered however crowded it is; neither works for long.
PAST_THE_GATE = {"/healthz", "/readyz", "/metrics"}


class GateMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.gate = Semaphore(settings.FOREMAN_AT_ONCE)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in PAST_THE_GATE:
            return self.get_response(request)
        if not self.gate.acquire(timeout=PATIENCE):
            return unavailable(request, Crowded(f"waited {PATIENCE} s for others to finish"))
        try:
            return self.get_response(request)
        finally:
            self.gate.release()
