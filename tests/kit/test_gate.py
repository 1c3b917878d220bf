"""Of the requests of a process a few run at once, and nobody waits without end."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from foreman_office.kit import gate

ask = RequestFactory().get


class View:
    """A view that counts how many are in it, and lets nobody go before it is told to."""

    def __init__(self):
        self.now = self.most = 0
        self.lock, self.go, self.entered = Lock(), Event(), Event()

    def __call__(self, request):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == 2:
                self.entered.set()
        assert self.go.wait(20)
        with self.lock:
            self.now -= 1
        return HttpResponse("done")


@pytest.fixture
def view(settings):
    settings.FOREMAN_AT_ONCE = 2
    return View()


def test_no_more_run_at_once_than_is_said_and_all_are_answered(view):
    middleware = gate.GateMiddleware(view)
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(middleware, ask("/tasks/")) for _ in range(8)]
        assert view.entered.wait(20)
        view.go.set()
        assert [answer.result().status_code for answer in answers] == [200] * 8
    assert view.most == 2


@pytest.mark.parametrize(
    ("path", "kind"), [("/api/heartbeat", "json"), ("/tasks/", "html"), ("/", "html")]
)
def test_who_waits_too_long_is_told_when_to_come_back(path, kind, view, monkeypatch, db):
    monkeypatch.setattr(gate, "PATIENCE", 0.05)
    middleware = gate.GateMiddleware(view)
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(middleware, ask("/tasks/")) for _ in range(2)]
        assert view.entered.wait(20)
        refused = middleware(ask(path, headers={"Accept": "text/html"}))
        view.go.set()
        assert [answer.result().status_code for answer in running] == [200, 200]
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert kind in refused.headers["Content-Type"]
    assert "more than it can answer" in refused.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_whoever_runs_the_office_passes_by(path, view):
    view.go.set()
    middleware = gate.GateMiddleware(view)
    assert middleware.gate.acquire()
    assert middleware.gate.acquire()
    assert middleware(ask(path)).status_code == 200


def test_a_stream_is_past_the_gate_while_it_lasts(settings):
    settings.FOREMAN_AT_ONCE = 1
    both = Barrier(2)

    def events():
        both.wait(20)  # for the other stream, which could not be there behind a closed gate
        yield b"event"

    middleware = gate.GateMiddleware(lambda request: StreamingHttpResponse(events()))
    streams = [middleware(ask("/live/")) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        assert [*threads.map(lambda stream: stream.getvalue(), streams)] == [b"event"] * 2


def test_a_view_that_fails_leaves_the_gate_open(settings):
    settings.FOREMAN_AT_ONCE = 1

    def fails(request):
        raise ZeroDivisionError

    middleware = gate.GateMiddleware(fails)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            middleware(ask("/tasks/"))
