"""A large JUnit report, and the page of its task, beside COPY of the tests and a small report."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from uuid import uuid4

import psutil
from django.db import connection
from django.urls import reverse

from bench.figures import Measurement, compare_pairs, interleaved
from bench.heartbeats import senders, server_cpu
from bench.office import database_copy, fill, served
from bench.pages import logged_in
from bench.sizes import Sizes

FAILING = 100  # one test in so many
FEW = 50
PLAIN = """
    CREATE TABLE bench_tests AS
    SELECT execution_id, name, outcome, flaky, message, is_test FROM qa_test_results LIMIT 0
"""


def run(sizes: Sizes) -> Iterator[Measurement]:
    with database_copy("bench_reports") as name:
        fill()
        with connection.cursor() as cursor:
            cursor.execute(PLAIN)
        large, small = senders()[:2]
        cookie = logged_in()
        connection.close()
        numbers = count(1)
        with served(name) as port:
            for sender, tests in ((large, sizes.cases), (small, FEW)):
                for _ in range(2):  # to be compared, and each worker has started then
                    send_report(port, sender, junit_report(tests, next(numbers)))
            body = len(junit_report(sizes.cases, 0))
            grown: list[tuple[float, float]] = []

            def sent() -> float:
                content = junit_report(sizes.cases, next(numbers))
                spent, growth = growing(lambda: send_report(port, large, content))
                grown.append((growth, body / 1e6))
                return spent

            what = f"report of {sizes.cases:,} tests"
            pairs = interleaved(sizes.rounds, sent, lambda: copied_tests(sizes.cases))
            yield compare_pairs(f"{what}, processor time", "ms", pairs)
            yield compare_pairs(f"{what}, growth of the worker and size", "MB", grown, under=10)
            yield compare_pairs(
                f"task page with two runs of {sizes.cases:,} tests and of {FEW}, processor time",
                "ms",
                interleaved(
                    sizes.rounds,
                    lambda: page(port, cookie, large["task_id"], sizes.refreshes),
                    lambda: page(port, cookie, small["task_id"], sizes.refreshes),
                ),
                under=60,
            )


def junit_report(tests: int, number: int) -> bytes:
    """Return a report as pytest writes it; which of its tests fail depends on the number."""
    failure = b'<failure message="AssertionError: no">def test(): assert 0</failure>'
    cases = b"".join(
        b'<testcase classname="tests.unit.test_module_%d.TestThing"'
        b' name="test_case_number_%d[%d]" time="0.00%d">%b</testcase>'
        % (each // 50, each, each % 7, each % 10, b"" if (each + number) % FAILING else failure)
        for each in range(tests)
    )
    return (
        b'<testsuites name="pytest tests"><testsuite name="pytest">%b</testsuite></testsuites>'
        % (cases)
    )


def send_report(port: int, sender: dict[str, str], content: bytes) -> None:
    headers = {"Authorization": f"Bearer {sender['token']}", "Content-Type": "application/xml"}
    path = f"/api/tasks/{sender['task_id']}/qa-runs"
    request(port, "POST", path, content, headers, status=201)


def page(port: int, cookie: str, task_id: str, times: int) -> float:
    """Request the page of a task, and return the processor time that each took, in ms."""
    path = reverse("programs:task", args=[task_id])

    def ask() -> None:
        for _ in range(times):
            request(port, "GET", path, b"", {"Cookie": cookie}, status=200)

    return spending(ask) / times


def request(
    port: int, method: str, path: str, content: bytes, headers: dict[str, str], *, status: int
) -> None:
    with closing(http.client.HTTPConnection("localhost", port, timeout=120)) as web:
        web.request(method, path, content, headers)
        answer = web.getresponse()
        told = answer.read()
        if answer.status != status:
            raise AssertionError(f"{path} answered {answer.status}: {told[:200]!r}")


def spending(work: Callable[[], object]) -> float:
    """Return the processor time that web server and database took for the work, in ms."""
    before = server_cpu()
    work()
    return (server_cpu() - before) * 1000


def growing(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor time of the work in ms, and by how much it made a process grow, in MB.

    That is what the process held at its most, and not only what it kept.
    """
    web = [each for each in psutil.Process().children(recursive=True) if each.is_running()]
    before = {}
    for process in web:
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # what it held at its most: as now
        before[process.pid] = memory_of(process.pid, "VmRSS")
    spent = spending(work)
    return spent, max(memory_of(pid, "VmHWM") - then for pid, then in before.items())


def memory_of(pid: int, key: str) -> float:
    """Return a figure of a process's memory in MB, as Linux counts it."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in status if line.startswith(key))


def copied_tests(tests: int) -> float:
    """COPY so many tests into a table without keys; return the processor time of both sides."""
    own = psutil.Process()
    columns = ["execution_id", "name", "outcome", "flaky", "message", "is_test"]
    run = str(uuid4())

    def copy() -> None:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE bench_tests")
            with cursor.copy(f"COPY bench_tests ({', '.join(columns)}) FROM STDIN") as rows:
                for number in range(tests):
                    rows.write_row((run, f"test_{number}", "passed", False, None, True))

    before = sum(own.cpu_times()[:2])
    return spending(copy) + (sum(own.cpu_times()[:2]) - before) * 1000
