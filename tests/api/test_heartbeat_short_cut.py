"""The short cut of heartbeats gives the answers that Django gives, to the byte."""

import json
import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Thread

import psycopg
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError
from django.urls import resolve
from gunicorn.config import Config
from gunicorn.glogging import Logger
from psycopg.errors import LockNotAvailable

from builders import actions
from builders.models import Builder, Heartbeat
from foreman_office.api.heartbeat_short_cut import VIEW, HeartbeatShortCut
from kit.core.request_id import IN_ENVIRON
from kit.live.worker import Worker
from kit.runtime.short_cut import LONGEST_KNOWN_BODY
from kit.web.client_address import client_address
from tests.api.refusals import UNKNOWN
from tests.races import until

HOST, JSON_TYPE = "Host: localhost", "Content-Type: application/json"
TIME_OR_ID = re.compile(
    rb"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"
    rb"|Date: [^\r]*|clock is \d+ s"
)


class Counting(HeartbeatShortCut):
    """Count the heartbeats that Django never saw, and the calls that stored them."""

    taken = calls = 0

    def answer(self, asked):
        answers = super().answer(asked)
        self.taken += sum(answer is not None for answer in answers)
        self.calls += 1
        return answers


class ServedWorker(Worker):
    """A worker in a thread of this process, with its database."""

    def init_signals(self):
        pass

    def load_wsgi(self):
        self.wsgi = self.app

    def handle_exit(self, sig, frame):
        self.alive = False
        self.method_queue.defer(lambda: None)


class Noting(Logger):
    """Note what an access log would say."""

    access_log_enabled = True

    def __init__(self, cfg):
        super().__init__(cfg)
        self.noted = []

    def access(self, resp, req, environ, request_time):
        assert timedelta() < request_time < timedelta(minutes=1)
        said = environ["REQUEST_METHOD"], environ["PATH_INFO"], resp.status, resp.sent
        self.noted.append((*said, client_address(environ), normal(environ[IN_ENVIRON].encode())))


@pytest.fixture
def serve(transactional_db, settings):
    settings.FOREMAN_PROXIES = 1
    started = []

    def serve(application, log_class=Logger):
        listener = socket.create_server(("127.0.0.1", 0))
        cfg = Config()
        worker = ServedWorker(1, os.getppid(), [listener], application, 30, cfg, log_class(cfg))
        thread = Thread(target=worker.init_process)
        thread.start()
        started.append((worker, thread))
        return listener.getsockname(), worker.log

    yield serve
    for worker, _ in started:
        worker.handle_exit(None, None)
    for worker, thread in started:
        thread.join()
        worker.tmp.close()


@pytest.fixture
def token(transactional_db):
    return actions.issue_token(Builder.objects.get(pk="ui-builder"), by=None)[1]


def request(head, body, *, line="POST /api/heartbeat HTTP/1.1", length=True):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    if length:
        head = [*head, f"Content-Length: {len(content)}"]
    return "\r\n".join([line, *head, "", ""]).encode() + content


def exchange(address, sent, times=1):
    """Send the same over one connection; return what came, and whether it was left open."""
    answers = []
    with socket.create_connection(address) as connection:
        for _ in range(times):
            connection.sendall(sent)
            answer = b""
            while not whole(answer):
                more = connection.recv(65536)
                if not more:
                    return [*answers, (answer, "closed")]
                answer += more
            answers.append((answer, "open"))
    return answers


def whole(answer):
    end = answer.find(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", answer[:end])
    body = 0 if sent_without_body(answer) else int(length[1]) if length else None
    return end >= 0 and body is not None and len(answer) >= end + 4 + body


def sent_without_body(answer):
    return answer.startswith((b"HTTP/1.1 100", b"HTTP/1.1 204"))


def normal(answer):
    return TIME_OR_ID.sub(b"...", answer)


def cases(token):
    """Yield what is sent, with whether the short cut answers it once it knows the head."""
    bearer = f"Authorization: Bearer {token}"
    usual = [HOST, bearer, JSON_TYPE]
    beat = {"builder_id": "ui-builder", "status": "active"}
    at = "2026-01-01T00:00:00Z"
    for more in [
        {},
        {"message": "The left panel stands — ✓.", "progress_percentage": 40, "task_id": None},
        {"timestamp": at, "next_beat_within_seconds": 600},
        {"heartbeat_id": "01234567-89ab-4def-8123-456789abcdef", "timestamp": at},
    ]:
        yield True, request(usual, beat | more)
    yield True, request([*usual, "User-Agent: x", "Accept: */*", "Connection: keep-alive"], beat)
    yield True, request([*usual, "X-Request-ID: mine-1", "Cookie: sessionid=none"], beat)
    yield True, request(["host: localhost", bearer.replace("Bearer", "bearer"), JSON_TYPE], beat)
    yield True, request([HOST, "content-type: application/json; charset=utf-8", bearer], beat)
    yield True, request([*usual, "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https"], beat)
    # Wrong heartbeats with a known head.
    for body in [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"status": NaN}',
        b'{"status": "active", "status": "idle", "builder_id": "ui-builder"}',
        b"[" * 5000,
        json.dumps({str(key): 0 for key in range(2000)}).encode(),
        {},
        beat | {"more": 1},
        beat | {"status": "asleep"},
        beat | {"progress_percentage": 101},
        beat | {"progress_percentage": True},
        beat | {"message": "\0"},
        beat | {"message": "x" * 10_001},
        beat | {"timestamp": 5},
        beat | {"timestamp": "2100-01-01T00:00:00Z"},
        beat | {"builder_id": "api-builder"},
        beat | {"builder_id": "nobody"},
        beat | {"task_id": UNKNOWN},
        beat | {"heartbeat_id": "01234567-89ab-4def-8123-456789abcdef", "status": "idle"},
        beat | {"message": "y" * LONGEST_KNOWN_BODY},
        b" " * 70_000 + json.dumps(beat).encode(),
        beat | {"usage": {"input": 1}},
        beat | {"usage": {"wrong": 1}},
    ]:
        yield False, request(usual, body)
    # Other heads.
    for head in [
        [bearer, JSON_TYPE],
        ["Host: elsewhere.example", bearer, JSON_TYPE],
        ["Host: local host", bearer, JSON_TYPE],
        [HOST, HOST, bearer, JSON_TYPE],
        [HOST, JSON_TYPE],
        [HOST, "Authorization: Basic x", JSON_TYPE],
        [HOST, "Authorization: Bearer", JSON_TYPE],
        [HOST, f"{bearer}x", JSON_TYPE],
        [HOST, f"Authorization: Bearer  {token}", JSON_TYPE],
        [HOST, bearer, bearer, JSON_TYPE],
        [HOST, bearer],
        [HOST, bearer, "Content-Type: text/plain"],
        [*usual, "Content-Encoding: gzip"],
        [*usual, "Content-Length: 5"],
        [*usual, "Connection: close"],
        [*usual, "connection: Close"],
        [*usual, "Connection: keep-alive, close"],
        [*usual, "Expect: 100-continue"],
        [*usual, "Expect: something"],
        [*usual, "X-Request-ID: not sane!"],
        [*usual, "X-Request-ID: one", "X-Request-ID: two"],
        [*usual, " folded"],
        [*usual, "No colon"],
        [*usual, "Nul: \0"],
        [*usual, f"Long: {'x' * 3000}"],
    ]:
        yield False, request(head, beat)
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(json.dumps(beat)), json.dumps(beat).encode())
    yield False, request([*usual, "Transfer-Encoding: chunked"], chunks, length=False)
    for line in [
        *("HEAD /api/heartbeat HTTP/1.1", "GET /api/heartbeat HTTP/1.1"),
        *("PUT /api/heartbeat HTTP/1.1", "OPTIONS /api/heartbeat HTTP/1.1"),
        *("POST /api/heartbeat/ HTTP/1.1", "POST /api//heartbeat HTTP/1.1"),
        *("POST /api/heartbeat?x=1&x=2 HTTP/1.1", "POST /api/heartbeat HTTP/1.0"),
        *("POST http://localhost/api/heartbeat HTTP/1.1", "post /api/heartbeat HTTP/1.1"),
    ]:
        yield False, request(usual, beat, line=line)


@pytest.fixture
def short_cut():
    return Counting(WSGIHandler())


def test_every_answer_is_that_of_django(serve, short_cut, token, subtests):
    usual, usual_log = serve(WSGIHandler(), Noting)
    short, short_log = serve(short_cut, Noting)
    for is_taken, sent in cases(token):
        with subtests.test(sent=sent[:300]):
            before = short_cut.taken
            if sent.startswith(b"HEAD"):
                sent = sent.replace(b"Host: localhost", b"Host: localhost\r\nConnection: close")
            expected = [(normal(answer), end) for answer, end in exchange(usual, sent, 3)]
            found = [(normal(answer), end) for answer, end in exchange(short, sent, 3)]
            assert found == expected
            assert (short_cut.taken - before >= 2) == is_taken
            assert short_cut.taken == before or is_taken
    until(lambda: len(short_log.noted) == len(usual_log.noted))
    assert short_log.noted == usual_log.noted
    assert {address for *_, address, _ in short_log.noted} == {"127.0.0.1", "10.0.0.1"}
    assert resolve("/api/heartbeat").view_name == VIEW


def test_of_two_requests_at_once_each_is_answered(serve, short_cut, token):
    address, _ = serve(short_cut)
    beat = {"builder_id": "ui-builder", "status": "active"}
    one = request([HOST, f"Authorization: Bearer {token}", JSON_TYPE], beat)
    exchange(address, one)
    with socket.create_connection(address) as connection:
        connection.sendall(one + one)
        came = b""
        while came.count(b"HTTP/1.1 201 Created") < 2:
            more = connection.recv(65536)
            assert more
            came += more
    assert Heartbeat.objects.count() == 3


def test_what_arrives_together_is_stored_by_fewer_statements(serve, short_cut, token):
    address, _ = serve(short_cut)
    beat = {"builder_id": "ui-builder", "status": "active"}
    sent = request([HOST, f"Authorization: Bearer {token}", JSON_TYPE], beat)
    exchange(address, sent)
    with ThreadPoolExecutor(20) as threads:
        answers = [*threads.map(lambda _: exchange(address, sent, 10), range(20))]
    ids = {
        json.loads(answer.partition(b"\r\n\r\n")[2])["heartbeat_id"]
        for each in answers
        for answer, _ in each
    }
    assert len(ids) == 200
    assert Heartbeat.objects.count() == 201
    assert short_cut.taken == 200
    assert short_cut.calls < 200


@pytest.mark.parametrize(
    ("cause", "status"), [(LockNotAvailable(), 201), (psycopg.OperationalError(), 503)]
)
def test_what_was_stored_without_an_answer_is_not_stored_twice(
    cause, status, serve, short_cut, token, monkeypatch
):
    address, _ = serve(short_cut)
    beat = {"builder_id": "ui-builder", "status": "active"}
    sent = request([HOST, f"Authorization: Bearer {token}", JSON_TYPE], beat)
    exchange(address, sent)
    store = actions._store_in_batch.do

    def store_and_fail(beats):
        store(beats)
        raise OperationalError("no answer") from cause

    monkeypatch.setattr(actions._store_in_batch, "do", store_and_fail)
    ((answer, _),) = exchange(address, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"Retry-After" in answer) == (status == 503)
    assert short_cut.taken == 0
    assert Heartbeat.objects.count() == 2
