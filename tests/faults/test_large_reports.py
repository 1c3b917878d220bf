"""Reports as large as they may be: they take bounded memory, and the beats of all others pass."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foreman_office.reports import MAX_BYTES
from tests.faults.office import AT_WORK, Load, token

AT_ONCE = 6
MEGABYTES = 250


def filled(before, part, after, size=MAX_BYTES):
    return before + part * ((size - len(before) - len(after)) // len(part)) + after


TESTS = '{"passing": 0, "failing": 0, "tests": ['
TEXT = filled('{"passing": 1, "failing": 0, "suite_failed": "', "x", '"}')
JSON, XML = "application/json", "application/xml"
KEYS = ",".join(f'"{number:x}":1' for number in range(800_000))
HALF = "{" + KEYS[:4_000_000].rpartition(",")[0] + ',"0":1}'
ATTRIBUTES = " ".join(f'a{number}=""' for number in range(600_000))
EVENT = '{"Action":"run","Test":"a","Package":"b"}\n'
BODIES = {
    "objects": (422, JSON, filled(TESTS + "{}", ",{}", "]}")),
    "lists": (422, JSON, filled(TESTS + "[]", ",[]", "]}")),
    "numbers": (422, JSON, filled(TESTS + "0", ",0.1", "]}")),
    "wrong tests": (422, JSON, filled(TESTS + '{"name": 1}', ',{"name": 1}', "]}", 3_000_000)),
    "keys": (422, JSON, "{" + KEYS + "}"),
    "half as many keys": (422, JSON, HALF),
    "a long text": (422, JSON, TEXT),
    "elements": (422, XML, filled("<testsuite>", "<a/>", "</testsuite>")),
    "tests": (422, XML, filled("<testsuite>", "<testcase/>", "</testsuite>")),
    "attributes": (422, XML, f"<testsuite {ATTRIBUTES}/>"),
    "suites": (201, XML, filled("<testsuite>", '<testsuite name="a"/>', "</testsuite>")),
    "lines": (422, "text/plain", filled("1..1\n", "ok 1\n", "")),
    "events": (201, "application/x-ndjson", filled("", EVENT, "")),
}


@pytest.mark.parametrize("kind", BODIES)
def test_the_largest_reports_take_little_memory_and_stop_no_beat(office, kind):
    status, media, body = BODIES[kind]
    task = dict(office.query("SELECT name, task_id FROM tasks"))[AT_WORK[0]]
    headers = {"Authorization": f"Bearer {token(AT_WORK[0])}", "Content-Type": media}
    for worker in office.workers():
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # its peak is as of now

    def send(_):
        """Send until there is an answer: who sends too slowly is let go."""
        while True:
            if answer := office.ask("POST", f"/api/tasks/{task}/qa-runs", body, headers, 120):
                return answer

    with Load(office) as load, ThreadPoolExecutor(AT_ONCE) as many:
        sending = [many.submit(send, number) for number in range(AT_ONCE)]
        load.flows(10)
        answers = [each.result() for each in sending]

    assert {answer.status for answer in answers} - {503} == {status}
    assert all(each.headers["Retry-After"] for each in answers if each.status == 503)
    assert max(map(most_memory, office.workers())) < MEGABYTES


def most_memory(worker):
    """Return the peak of a process's own memory, in megabytes."""
    said = Path(f"/proc/{worker.pid}/status").read_text()
    return int(said.partition("VmHWM:")[2].split()[0]) // 1024
