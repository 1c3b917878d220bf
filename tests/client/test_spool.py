"""The spool: each message once, in order, none lost, whatever happens in between."""

import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest
from foreman import cli
from foreman import spool as spools
from foreman.errors import SpoolFull
from foreman.outbox import MOST_FAILURES, REMEMBERED, Outbox
from foreman.spool import BEAT, REPORT, Message, Spool
from hypothesis import given
from hypothesis import strategies as st

from tests.client.office import (
    KILLED_AFTER,
    KILLED_BEFORE,
    LOST_ANSWER,
    LOST_REQUEST,
    Books,
    Killed,
    OfficeOnPaper,
    foreman,
    started,
)
from tests.examples import examples
from tests.races import until

FAULTS = [None, LOST_REQUEST, LOST_ANSWER, KILLED_BEFORE, KILLED_AFTER, 503, 429, 502, 401]


def message(number, kind=REPORT):
    key = f"key-{number}"
    body = b'{"heartbeat_id": "%s"}' % key.encode()
    return Message(
        kind, "/api/x", "application/json", body, key, f"report {number}", 0, os.getpid()
    )


def outbox(books, directory, told=None):
    """Return what a new process has: nothing but what is on the disk."""
    return Outbox(OfficeOnPaper(books), Spool(directory), (told if told is not None else []).append)


# --- property -------------------------------------------------------------------------------------


@examples(8)
@given(st.lists(st.sampled_from(FAULTS), max_size=20), st.integers(1, 8), st.data())
def test_each_message_arrives_once_and_in_order_whatever_fails_and_whoever_is_killed(
    faults, number, data
):
    books = Books(faults)
    with tempfile.TemporaryDirectory() as place:
        box = outbox(books, Path(place))
        for n in range(number):
            kind = data.draw(st.sampled_from([BEAT, REPORT]))
            try:
                box.send(message(n, kind), patience=0)
            except Killed:  # another process comes after it
                box = outbox(books, Path(place))
        books.faults.clear()
        assert outbox(books, Path(place)).flush()
        assert books.executed == [f"key-{n}" for n in range(number)]
        assert Spool(Path(place)).refused() == []


@examples(8)
@given(st.lists(st.sampled_from([*FAULTS, 404, 409, 422, 413]), min_size=1, max_size=8))
def test_a_refused_message_stops_no_other_and_is_kept_with_the_reason(faults):
    books, number = Books(faults), 4
    with tempfile.TemporaryDirectory() as place:
        for n in range(number):
            try:
                outbox(books, Path(place)).send(message(n), patience=0)
            except Killed:
                continue
        books.faults.clear()
        assert outbox(books, Path(place)).flush()
        refused = [aside.about.replace("report ", "key-") for aside in Spool(Path(place)).refused()]
        assert sorted({*books.executed, *refused}) == [f"key-{n}" for n in range(number)]
        assert books.executed == sorted(books.executed)
        assert all(aside.reason == "It is not yours." for aside in Spool(Path(place)).refused())


# --- one by one -----------------------------------------------------------------------------------


def test_what_is_kept_is_told_when_it_is_sent(tmp_path):
    told, books = [], Books([LOST_REQUEST] * 3)
    box = outbox(books, tmp_path, told)
    assert box.send(message(1, BEAT), 0).kept
    assert box.send(message(2), 0).kept
    assert told == []
    books.faults.clear()
    assert outbox(books, tmp_path, told).flush()
    assert [words.partition(" kept since")[0] for words in told] == [
        "Sent 1 heartbeat and 1 report"
    ]


def test_a_refusal_that_comes_late_is_told_with_its_file(tmp_path):
    told, books = [], Books([LOST_REQUEST, 404])
    outbox(books, tmp_path).send(message(1), 0)
    assert outbox(books, tmp_path, told).flush()
    [aside] = Spool(tmp_path).refused()
    assert aside.file.read_bytes().endswith(message(1).body)
    assert told == [f"The office refused report 1: It is not yours. It is kept in {aside.file}."]


def test_retry_after_is_honoured_by_every_process(office, tmp_path, shell):
    office.books.faults.append((503, 600))
    first = foreman("beat", "--patience", "0", env=shell)
    assert (first.returncode, "is kept" in first.stdout) == (0, True)
    foreman("beat", "--patience", "0", env=shell)
    assert office.books.requests == []
    spool = next((tmp_path / "home").rglob("rest.json"))
    spool.unlink()
    assert foreman("beat", env=shell).returncode == 0
    assert len(office.books.executed) == 3


def test_a_rest_that_a_wrong_clock_made_endless_ends(tmp_path):
    spool = Spool(tmp_path)
    spools.write_json(tmp_path / "rest.json", {"until": time.time() + 10 * 365 * 86400})
    assert spool.rest() == 0


def test_a_message_at_which_the_office_fails_again_and_again_lets_others_pass(tmp_path):
    books = Books([500] * MOST_FAILURES)
    outbox(books, tmp_path).send(message(1), 0)
    for _ in range(MOST_FAILURES - 1):
        outbox(books, tmp_path).flush()
    outbox(books, tmp_path).send(message(2), 0)
    assert books.executed == ["key-2"]
    assert "failed at it 10 times" in Spool(tmp_path).refused()[0].reason


def test_what_may_have_arrived_longer_ago_than_the_office_remembers_is_not_sent_again(tmp_path):
    books = Books([LOST_ANSWER])
    box = outbox(books, tmp_path)
    box.send(message(1), 0)
    [entry] = box.spool.entries()
    box.spool.note(entry, {"tried_at": time.time() - REMEMBERED - 1})
    assert outbox(books, tmp_path).flush()
    assert books.requests == ["key-1"]
    assert "may have arrived" in Spool(tmp_path).refused()[0].reason


def test_what_never_arrived_is_sent_however_late(tmp_path):
    books = Books([LOST_REQUEST])
    box = outbox(books, tmp_path)
    box.send(message(1), 0)
    assert box.spool.note_of(box.spool.entries()[0]) == {}
    assert outbox(books, tmp_path).flush()
    assert books.executed == ["key-1"]


def test_a_damaged_file_is_put_aside_and_stops_no_other(tmp_path):
    books = Books([LOST_REQUEST])
    box = outbox(books, tmp_path)
    box.send(message(1), 0)
    box.spool.entries()[0].write_bytes(b"\x00")
    assert box.send(message(2), 0).answer
    assert "damaged" in Spool(tmp_path).refused()[0].reason


def test_a_full_spool_says_so_and_leaves_room_for_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(spools, "MOST_MESSAGES", 4)
    spool = Spool(tmp_path)
    for n in range(2):
        spool.put(message(n, BEAT))
    with pytest.raises(SpoolFull, match=r"The spool is full \(2 messages in .*was not kept"):
        spool.put(message(2, BEAT))
    for n in range(3, 5):
        spool.put(message(n))
    with pytest.raises(SpoolFull):
        spool.put(message(5))
    monkeypatch.setattr(spools, "MOST_MESSAGES", 100)
    monkeypatch.setattr(spools, "MOST_BYTES", 1)
    with pytest.raises(SpoolFull):
        spool.put(message(6))
    assert len(spool.entries()) == 4


def test_what_is_kept_is_for_its_owner_alone(tmp_path):
    spool = Spool(tmp_path / "a")
    entry = spool.put(message(1))
    assert entry.stat().st_mode & 0o777 == 0o600
    assert {each.stat().st_mode & 0o777 for each in (spool.directory, spool.waiting)} == {0o700}


def test_threads_that_send_at_once_send_each_message_once(tmp_path):
    books = Books()
    boxes = [outbox(books, tmp_path) for _ in range(4)]
    outcomes = []

    def send(box, first):
        outcomes.extend(box.send(message(n), 30) for n in range(first, first + 5))

    threads = [
        threading.Thread(target=send, args=(box, 10 * n)) for n, box in enumerate(boxes, start=1)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(books.requests) == len({*books.requests}) == 20
    assert [outcome.kept for outcome in outcomes] == [False] * 20


# --- processes ------------------------------------------------------------------------------------


@pytest.fixture
def keep(office, shell, monkeypatch, capsys):
    """Return what keeps reports while the office is closed, and returns their keys in order."""
    for name in ("FOREMAN_URL", "FOREMAN_TOKEN"):
        monkeypatch.setenv(name, shell[name])

    def keep(number):
        cli.run(["status"])  # whose token it is, has been told once
        office.close()
        for n in range(number):
            report = Path(shell["HOME"], f"report-{n}.xml")
            report.write_text('<testsuite><testcase name="a"/></testsuite>')
            assert cli.run(["report", str(report), "--patience", "0"]) == 0
            assert "is kept" in capsys.readouterr().out
        office.open()
        return [file.name[20:] for file in sorted(Path(shell["HOME"]).rglob("spool/0*-report-*"))]

    return keep


@pytest.mark.parametrize("number", [1, 3])
def test_a_sender_that_is_killed_in_the_middle_loses_nothing_and_sends_nothing_twice(
    office, shell, keep, number
):
    keys = keep(4)
    assert len(keys) == 4
    reached, go_on = threading.Event(), threading.Event()

    def held_back():
        reached.set()
        go_on.wait(60)
        return LOST_ANSWER  # executed, and nobody is there to hear of it

    office.books.faults.extend([None] * (number - 1) + [held_back])
    with started("status", env=shell, stdout=-3, stderr=-3) as sender:
        assert reached.wait(60)
        sender.send_signal(signal.SIGKILL)
    go_on.set()
    until(lambda: len(office.books.executed) == number)
    done = foreman("status", env=shell)
    assert done.returncode == 0, done.stderr
    assert office.books.executed == keys
    assert f"Sent {len(keys) - number + 1} report" in done.stderr


def test_two_processes_that_send_at_once_send_each_report_once_and_in_order(office, shell, keep):
    keys = keep(3)
    senders = [started("status", env=shell, stdout=-3, stderr=-3) for _ in range(3)]
    assert [sender.wait(60) for sender in senders] == [0, 0, 0]
    assert office.books.requests == keys
