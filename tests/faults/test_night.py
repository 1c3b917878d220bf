"""Five builders under `foreman run` through a night of faults: each report arrives once."""

import random
import socket
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psutil
import pytest

from programs.models import BuilderName
from tests.client.office import environment, started
from tests.faults.office import PATIENCE, Office, token
from tests.platform.conftest import copied, place
from tests.races import until

RUNS = 8  # of each builder
FAULTS = 8
WORK = """
import pathlib, sys
pathlib.Path("junit.xml").write_text(f"<testsuite><testcase name='{sys.argv[1]}'/></testsuite>")
"""
TO_WORK = """
    UPDATE builders SET current_task_id = task_id, state = 'active'
    FROM tasks WHERE assigned_builder = builder_id AND current_task_id IS NULL
"""
ARRIVED = "SELECT name FROM qa_test_results WHERE name LIKE 'night %'"


class Line(threading.Thread):
    """A line to the office, which may be cut: then nothing of what is under way arrives."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.to, self.is_cut = port, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends = set()
        self.start()

    def run(self):
        with suppress(OSError):  # it is closed at the end
            while True:
                caller, _ = self.listener.accept()
                try:
                    if self.is_cut:
                        raise ConnectionRefusedError
                    called = socket.create_connection(("127.0.0.1", self.to))
                except OSError:
                    caller.close()
                    continue
                self.ends |= {caller, called}
                for ends in ((caller, called), (called, caller)):
                    threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, sender, receiver):
        with suppress(OSError):
            while content := sender.recv(65536):
                receiver.sendall(content)
        for each in (sender, receiver):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            self.ends.discard(each)
            each.close()

    def cut(self):
        self.is_cut = True
        for each in [*self.ends]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self):
        self.is_cut = False

    def close(self):
        self.cut()
        self.listener.close()


class Worker:
    """A builder whose runs are started again and again, also when one was killed."""

    def __init__(self, name, url):
        self.name, self.home = name, place()
        self.env = environment(self.home, url, token(name)) | {"FOREMAN_PATIENCE": "0.5"}
        self.ended, self.killed = [], []  # runs
        self.running = None

    def work(self):
        for number in range(RUNS):
            run = f"night {self.name} {number}"
            command = ["run", "--every", "0.1", "--", sys.executable, "-c", WORK, run]
            with started(*command, env=self.env, cwd=self.home, stdout=-3, stderr=-3) as running:
                self.running = running
                status = running.wait(PATIENCE)
            (self.ended if status == 0 else self.killed).append(run)

    def kill(self):
        with suppress(psutil.NoSuchProcess, AttributeError):
            process = psutil.Process(self.running.pid)
            for each in [process, *process.children(recursive=True)]:
                each.kill()

    def has_sent_all(self):
        with started("beat", env=self.env, cwd=self.home, stdout=-3, stderr=-3) as sending:
            sending.wait(PATIENCE)
        return not [*self.home.rglob("spool/0*")]


@pytest.fixture
def office(staffed):
    """An office of its own, in which all five builders have a task."""
    var = place() / "var"
    copied(staffed, var)
    office = Office(var).open()
    office.query(TO_WORK)
    yield office
    office.close()


def test_each_report_of_a_night_of_faults_arrives_once(office, django_db_blocker):
    """The seed chooses faults; when they meet the builders is up to the machine."""
    line = Line(office.port)
    workers = [Worker(name, f"http://127.0.0.1:{line.port}") for name in BuilderName.values]
    dice = random.Random(7)

    def close_and_open():
        office.close()
        office.open()

    def cut_and_mend():
        line.cut()
        progressed(workers, 2)
        line.mend()

    def kill_a_web_worker():
        until(office.workers, PATIENCE)
        dice.choice(office.workers()).kill()

    faults = [close_and_open, cut_and_mend, kill_a_web_worker, lambda: dice.choice(workers).kill()]
    with ThreadPoolExecutor(len(workers)) as threads:
        nights = [threads.submit(worker.work) for worker in workers]
        for number in range(FAULTS):
            progressed(workers, 2)
            faults[number % len(faults)]()
        for night in nights:
            night.result()
    until(office.is_ready, PATIENCE)
    for worker in workers:
        until(worker.has_sent_all, PATIENCE)
    line.close()

    arrived = Counter(name for (name,) in office.query(ARRIVED))
    ended = {run for worker in workers for run in worker.ended}
    killed = {run for worker in workers for run in worker.killed}
    assert len(ended) + len(killed) == RUNS * len(workers)
    assert len(killed) <= FAULTS // len(faults)
    assert ended - arrived.keys() == set()
    assert arrived.keys() - ended <= killed
    assert set(arrived.values()) == {1}
    assert office.takes_beats()
    office.sent.update(str(name) for (name,) in office.query("SELECT heartbeat_id FROM heartbeats"))
    with django_db_blocker.unblock():
        office.assert_nothing_is_lost()


def progressed(workers, runs):
    """Wait until so many more runs have ended, or all have."""
    before = sum(len(worker.ended) for worker in workers)

    def is_further():
        now = sum(len(worker.ended) for worker in workers)
        killed = sum(len(worker.killed) for worker in workers)
        return now >= before + runs or now + killed == RUNS * len(workers)

    until(is_further, PATIENCE)
