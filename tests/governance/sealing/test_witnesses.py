"""Witnesses outside: a file, a webhook, an e-mail. None of them stops the sealing."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail

from governance.models import Checkpoint, WitnessProgress
from governance.sealing.keys import key_file
from governance.sealing.watching import Sealing
from governance.sealing.witness_file import notes_in, witness_path
from kit.runtime.database_addresses import UPKEEP, acting_as
from tests.database import administrator
from tests.factories import ProgramFactory
from tests.races import until

pytestmark = pytest.mark.django_db(transaction=True)


class Receiver(BaseHTTPRequestHandler):
    """Answers as it is told, and keeps what it gets."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], body.decode()))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@contextmanager
def listening(port=0, status=200):
    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        server.received, server.status = [], status
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def said():
    return []


@pytest.fixture
def turn(said):
    """One watcher's turns, each as if it were time, until its witnesses have been told."""
    found = []

    def turn():
        if not found:
            found.append(Sealing(said.append, every=0))
        with acting_as(UPKEEP):
            found[0].turn()
            for witness in found[0].witnesses[1:]:
                if witness.thread:
                    witness.thread.join()
            found[0].turn()

    return turn


def rested():
    """Let the last attempts be long ago."""
    administrator().execute("UPDATE witness_progress SET tried_at = now() - interval '1 hour'")


def notes():
    return [*Checkpoint.objects.order_by("number").values_list("note", flat=True)]


def test_every_checkpoint_is_appended_to_the_file(turn, said):
    for _ in range(3):
        ProgramFactory()
        turn()
    turn()
    assert notes_in(witness_path().read_text()) == notes()
    assert len(notes()) == 3
    assert said == []


def test_the_file_goes_on_where_it_ended_for_another_watcher(turn, said):
    ProgramFactory()
    turn()
    ProgramFactory()
    with acting_as(UPKEEP):
        Sealing(said.append, every=0).turn()
        Sealing(said.append, every=0).turn()
    assert notes_in(witness_path().read_text()) == notes()


def test_a_file_that_cannot_be_written_is_said_once_and_stops_nothing(turn, said, settings):
    settings.FOREMAN_WITNESS_FILE = str(settings.FOREMAN_VAR / "missing" / "checkpoints.txt")
    for _ in range(2):
        ProgramFactory()
        turn()
    assert len(notes()) == 2
    [line] = said
    assert "cannot be written: No such file or directory, and keeps trying" in line
    witness_path().parent.mkdir()
    turn()
    assert notes_in(witness_path().read_text()) == notes()
    assert said[1:] == ["FOREMAN_WITNESS_FILE is told again"]


def test_a_webhook_gets_each_newest_checkpoint(turn, said, settings):
    with listening() as server:
        settings.FOREMAN_WITNESS_URL = f"http://127.0.0.1:{server.server_port}/seals?key=1"
        for _ in range(2):
            ProgramFactory()
            turn()
        turn()
        assert server.received == [
            ("/seals?key=1", "text/plain; charset=utf-8", note) for note in notes()
        ]
    assert said == []
    progress = WitnessProgress.objects.get(witness="FOREMAN_WITNESS_URL")
    assert (progress.told, progress.failure) == (2, "")


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_webhook_that_refuses_is_said_once_and_tried_again(turn, said, settings, status):
    with listening(status=status) as server:
        settings.FOREMAN_WITNESS_URL = f"http://127.0.0.1:{server.server_port}/seals"
        ProgramFactory()
        turn()
        rested()
        turn()
        assert said == [f"FOREMAN_WITNESS_URL: 127.0.0.1 says {status}, and keeps trying"]
        assert {path for path, _, _ in server.received} == {"/seals"}
        server.status = 204
        rested()
        turn()
        assert said[1:] == ["FOREMAN_WITNESS_URL is told again"]
        assert server.received[-1][2] == notes()[-1]


def test_a_webhook_that_is_down_stops_nothing_and_gets_the_newest_later(turn, said, settings):
    with listening() as server:
        port = server.server_port
    settings.FOREMAN_WITNESS_URL = f"http://127.0.0.1:{port}/a-secret"
    for _ in range(2):
        ProgramFactory()
        turn()
    assert len(notes()) == 2
    [line] = said
    assert "127.0.0.1 cannot be reached" in line
    assert "secret" not in line
    with listening(port) as server:
        rested()
        turn()
        assert [body for _, _, body in server.received] == notes()[1:]


def test_one_of_several_watchers_tells_a_witness(turn, said, settings):
    with listening() as server:
        settings.FOREMAN_WITNESS_URL = f"http://127.0.0.1:{server.server_port}/"
        ProgramFactory()
        turn()
        with acting_as(UPKEEP):
            other = Sealing(said.append, every=0)
            other.turn()
            assert other.witnesses[1].thread is None
        assert len(server.received) == 1


def test_mail_goes_out_once_an_hour(turn, said, settings):
    settings.FOREMAN_WITNESS_MAIL = ["auditor@example.org"]
    for _ in range(3):
        ProgramFactory()
        turn()
    [message] = mail.outbox
    assert (message.to, message.body) == (["auditor@example.org"], notes()[0])
    administrator().execute(
        "UPDATE witness_progress SET (told_at, tried_at) ="
        " (now() - interval '61 minutes', now() - interval '61 minutes')"
    )
    turn()
    assert [message.body for message in mail.outbox] == [notes()[0], notes()[-1]]


def test_a_mail_server_that_is_down_is_said(turn, said, settings):
    with listening() as server:
        port = server.server_port
    settings.FOREMAN_WITNESS_MAIL = ["auditor@example.org"]
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": port},
        }
    }
    ProgramFactory()
    turn()
    assert said == [
        "FOREMAN_WITNESS_MAIL: the mail server does not take it (ConnectionRefusedError), and keeps"
        " trying"
    ]


def test_what_stops_the_sealing_is_said_once_and_that_it_goes_on(turn, said):
    ProgramFactory()
    turn()
    aside = key_file().rename(key_file().with_name("aside"))
    ProgramFactory()
    turn()
    turn()
    [line] = said
    assert "which is not at" in line
    aside.rename(key_file())
    turn()
    assert said[1:] == ["seals again"]
    assert len(notes()) == 2


def test_a_turn_does_not_wait_for_a_witness(said, settings):
    let_go = threading.Event()

    class Slow(Receiver):
        def do_POST(self):
            let_go.wait(60)
            super().do_POST()

    with listening() as server:
        server.RequestHandlerClass = Slow
        settings.FOREMAN_WITNESS_URL = f"http://127.0.0.1:{server.server_port}/"
        sealing = Sealing(said.append, every=0)
        for _ in range(2):
            ProgramFactory()
            with acting_as(UPKEEP):
                sealing.turn()
        assert len(notes()) == 2
        assert server.received == []
        let_go.set()
        until(lambda: server.received)
        sealing.witnesses[1].thread.join()
