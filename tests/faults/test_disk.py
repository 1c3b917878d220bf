"""A disk that is full: what is answered, and what is stored when there is space again.

It needs a small file system of its own, which root may mount; elsewhere this test cannot run.
"""

import os
import subprocess

import psycopg
import pytest

from tests.faults.office import PATIENCE, Load, Office
from tests.platform.conftest import copied, place
from tests.races import until

SIZE = 192 << 20  # bytes: the database, its log of changes and the static files, with some room


@pytest.fixture
def small_disk():
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small disk that this fills")
    disk = place() / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", disk]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def fill(ballast):
    """Fill the disk to the last block."""
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def test_a_full_disk_is_named_and_nothing_acknowledged_is_lost(
    small_disk, staffed, django_db_blocker
):
    copied(staffed, small_disk / "var")
    office = Office(small_disk / "var")
    office.log = small_disk.parent / "office.log"  # whoever collects the lines has room
    ballast = small_disk / "ballast"
    try:
        office.open()
        with Load(office) as load:
            fill(ballast)
            # Beats go on until the last page is full; then they are refused, with the reason.
            until(lambda: load.statuses[503] >= 3, PATIENCE)
            answer = office.beat("integration-builder", message="x" * 9000)
            assert answer.status == 503
            assert "database_full" in answer.body or "database_away" in answer.body
            # Writing what has changed needs room, too: the server may not survive this.
            exhaust(office)
            assert office.ask("GET", "/healthz").status == 200
            before = len(office.acknowledged)

            ballast.unlink()
            until(lambda: len(office.acknowledged) >= before + 20, PATIENCE)
            until(office.is_ready, PATIENCE)
        with django_db_blocker.unblock():
            office.assert_nothing_is_lost()
        assert office.said("database_full") or office.said("No space left on device")
    finally:
        ballast.unlink(missing_ok=True)
        office.close()


def exhaust(office):
    """Make the server need a new segment of its write-ahead log, which it cannot work without."""
    try:
        for _ in range(20):
            office.query("SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000))")
    except psycopg.OperationalError:
        return
