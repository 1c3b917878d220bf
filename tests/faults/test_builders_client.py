"""The builders' client and its long polls, on an office that is closed and whose workers end."""

import json
import os
import sys
from contextlib import suppress
from http.client import HTTPConnection

import psycopg
from psycopg.rows import scalar_row

from kit.runtime import embedded_postgres
from tests.client.office import environment, started
from tests.faults.office import PATIENCE, token
from tests.platform.conftest import gone, place
from tests.races import until

POLLS = 6
WORK = """
import pathlib, time
while not pathlib.Path("end").exists():
    time.sleep(0.01)
pathlib.Path("junit.xml").write_text("<testsuite><testcase name='a'/></testsuite>")
"""


def bells(processes):
    """Return how many streams these processes have: each has an eventfd of its own."""
    found = 0
    for process in processes:
        with suppress(FileNotFoundError):
            for number in os.listdir(f"/proc/{process.pid}/fd"):
                with suppress(FileNotFoundError):
                    found += "eventfd" in os.readlink(f"/proc/{process.pid}/fd/{number}")
    return found


def poll(office, builder):
    web = HTTPConnection("127.0.0.1", office.port, timeout=PATIENCE)
    headers = {"Authorization": f"Bearer {token(builder)}"}
    web.request("GET", "/api/assignment?wait=3600", headers=headers)
    return web


def test_polls_sleep_beside_the_threads_and_are_answered_when_their_worker_ends(office):
    workers = office.workers()
    before = bells(workers)
    builders = ["qa-builder", "integration-builder"] * (POLLS // 2)
    polls = [poll(office, builder) for builder in builders]
    until(lambda: bells(workers) == before + POLLS, PATIENCE)
    polls.pop().close()  # one leaves, and its place is free at once
    until(lambda: bells(workers) == before + POLLS - 1, PATIENCE)
    assert {answer.status for answer in office.beats_at_once(20)} == {201}

    for worker in workers:
        worker.terminate()
    for web in polls:
        answer = web.getresponse()
        assert (answer.status, json.loads(answer.read())["task"]) == (200, None)
        web.close()
    assert gone(workers)


def test_a_run_goes_on_while_the_office_is_closed_and_all_of_it_arrives_once(office):
    home = place()
    url = f"http://127.0.0.1:{office.port}"
    env = environment(home, url, token("schema-builder"))
    command = ["run", "--every", "0.2", "--", sys.executable, "-c", WORK]
    with started(*command, env=env, cwd=home, stdout=-3, stderr=-1, text=True) as running:
        until(lambda: [*home.rglob("spool")], PATIENCE)
        office.close()
        until(lambda: len([*home.rglob("spool/0*-beat-*")]) >= 5, PATIENCE)
        kept = [file.name.partition("-beat-")[2] for file in sorted(home.rglob("spool/0*-beat-*"))]
        office.open()
        until(lambda: not {*kept} & {name.name[18:] for name in home.rglob("spool/0*")}, PATIENCE)
        (home / "end").touch()
        told = running.stderr.read()
        assert running.wait(PATIENCE) == 0

    assert "kept since" in told
    assert "Reported: GREEN" in told
    address = embedded_postgres.database_url(office.database)
    with psycopg.connect(address, row_factory=scalar_row) as reader:
        arrived = "SELECT heartbeat_id::text FROM heartbeats WHERE builder_id = 'schema-builder'"
        ids = reader.execute(f"{arrived} ORDER BY timestamp").fetchall()
        assert [each for each in ids if each in kept] == kept
        office.sent.update(ids)  # by the client, which the fixture knows nothing of
        runs = (
            "SELECT count(*) FROM qa_executions JOIN tasks USING (task_id)"
            " WHERE assigned_builder = 'schema-builder'"
        )
        assert reader.execute(runs).fetchone() == 1
