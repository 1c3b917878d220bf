"""What is killed comes back, and nothing that was acknowledged is lost."""

from tests.faults.office import PATIENCE, Load
from tests.platform.conftest import gone
from tests.races import until


def test_a_killed_web_worker_is_followed_by_another(office):
    until(lambda: len(office.workers()) == 2, PATIENCE)
    with Load(office) as load:
        killed, other = office.workers()
        killed.kill()
        assert gone([killed])
        until(lambda: len(office.workers()) == 2 and killed not in office.workers(), PATIENCE)
        load.flows()
        assert other.is_running()


def test_an_office_whose_web_server_was_killed_closes_and_opens_again(office):
    with Load(office) as load:
        office.master().kill()
        office.popen.wait(PATIENCE)
        assert office.said("gunicorn ended unexpectedly")
        office.open()
        load.flows()


def test_a_killed_watcher_is_followed_by_another(office):
    with Load(office) as load:
        killed = office.watcher()
        killed.kill()
        until(lambda: office.watcher() not in (None, killed), PATIENCE)
        sweeps = office.query("SELECT sum(sweeps) FROM watchers")
        until(lambda: office.query("SELECT sum(sweeps) FROM watchers") > sweeps, PATIENCE)
        load.flows()
    assert office.is_ready()


def test_a_killed_postmaster_is_followed_by_another(office):
    with Load(office) as load:
        killed = office.postmaster()
        killed.kill()
        assert gone([killed])
        until(lambda: office.postmaster() not in (None, killed), PATIENCE)
        load.flows()
        until(office.is_ready, PATIENCE)
    assert office.said("PostgreSQL has ended and is being restarted")
