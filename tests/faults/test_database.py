"""A database that goes, comes back, or hangs: the office reports it, and resumes when it can."""

from contextlib import contextmanager

import psutil

from kit.runtime import embedded_postgres
from tests.faults.office import PATIENCE, Load
from tests.races import until

SOON = 2  # seconds
HTML = {"Accept": "text/html"}
WEB, POOL = 2, 4  # workers, and what each keeps of connections
OTHERS = 6  # the watcher, two that listen, two for heartbeats, one that measures


@contextmanager
def stopped(office):
    """Stop the server as an upgrade would, and prevent a restart meanwhile."""
    server = embedded_postgres.Server(embedded_postgres.data_directory(office.var))
    with embedded_postgres._alone(office.var):
        server.stop()
        try:
            yield
        finally:
            server.start()


def not_now(answer):
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    return answer


def soon(ask, *arguments, **options):
    """Return an answer that came soon; retry, as other processes may take the processor."""
    answers = []

    def answered_soon():
        answers.append(ask(*arguments, **options))
        return answers[-1] and answers[-1].seconds < SOON

    until(answered_soon, PATIENCE)
    return answers[-1]


def alive(office):
    """Check that the process answers, and reports in time that its database does not."""
    assert soon(office.ask, "GET", "/healthz").status == 200
    ready = soon(office.ask, "GET", "/readyz")
    assert ready.status == 503
    return ready


def test_a_database_that_restarts_is_waited_for_and_found_again(office):
    with Load(office) as load:
        with stopped(office):
            page = not_now(office.ask("GET", "/login/once/x/", headers=HTML))
            assert "The office is not ready." in page.body
            not_now(soon(office.beat, "integration-builder"))
            assert '"ok": false' in alive(office).body
            until(lambda: load.statuses[503] >= 3, PATIENCE)
        until(office.takes_beats, PATIENCE)
        load.flows()
        sweeps = office.query("SELECT sum(sweeps) FROM watchers")
        until(lambda: office.query("SELECT sum(sweeps) FROM watchers") > sweeps, PATIENCE)
        assert office.is_ready()
        load.flows()


def test_while_all_is_locked_nobody_waits_for_ever_and_nothing_piles_up(office):
    with Load(office) as load, office.connect() as holder:
        holder.execute("BEGIN; LOCK TABLE heartbeats IN ACCESS EXCLUSIVE MODE")
        answers = office.beats_at_once(3 * WEB * POOL)
        for answer in answers:
            not_now(answer)
        rules = {answer.body.partition('"rule": "')[2].partition('"')[0] for answer in answers}
        # Some ran until the lock's time was up, the others never got a turn or a connection.
        assert "database_busy" in rules
        assert rules & {"office_crowded", "database_away"}
        assert office.sessions() <= WEB * POOL + OTHERS
        assert soon(office.ask, "GET", "/healthz").status == 200
        holder.execute("ROLLBACK")
        load.flows()


def test_a_database_that_does_not_move_holds_up_nothing_but_itself(office):
    with Load(office) as load:
        postmaster = office.postmaster()
        frozen = [postmaster, *postmaster.children()]
        for process in frozen:
            process.suspend()
        try:
            assert "No answer within" in alive(office).body
            for _ in range(5):  # asked again and again, by what runs the office
                alive(office)
            threads = sum(worker.num_threads() for worker in office.workers())
            alive(office)
            assert sum(worker.num_threads() for worker in office.workers()) <= threads + WEB
        finally:
            for process in frozen:
                try:
                    process.resume()
                except psutil.NoSuchProcess:
                    continue
        load.flows()
        assert office.sessions() <= WEB * POOL + OTHERS
    until(office.is_ready, PATIENCE)
