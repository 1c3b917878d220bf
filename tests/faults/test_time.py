"""Time that jumps: a watcher that slept, and builders whose clocks are wrong."""

import json
from datetime import UTC, datetime, timedelta

from tests.faults.office import PATIENCE, Load
from tests.races import until


def test_a_watcher_that_slept_for_an_hour_declares_what_it_missed_once(office):
    with Load(office) as load:
        watcher = office.watcher()
        # One that has swept before: a watcher that was just started judges what was before it.
        swept = "SELECT count(*) FROM watchers WHERE pid = %s AND sweeps > 1"
        until(lambda: office.query(swept, watcher.pid) == [(1,)], PATIENCE)
        watcher.suspend()
        office.query("UPDATE watchers SET swept_at = now() - interval '1 hour'")
        task = office.fall_silent("qa-builder")
        # The web processes received another builder's heartbeats all the while.
        received = office.query(
            "INSERT INTO heartbeats (builder_id, timestamp, received_at, status)"
            " SELECT 'api-builder', at, at, 'active' FROM generate_series("
            "now() - interval '59 minutes', now() - interval '1 minute', '1 minute') AS at"
            " RETURNING heartbeat_id"
        )
        office.sent |= {str(name) for (name,) in received}
        assert not office.is_ready()
        assert office.stalls(task) == []

        watcher.resume()
        until(lambda: office.stalls(task), PATIENCE)
        until(office.is_ready, PATIENCE)
        sweeps = office.query("SELECT max(sweeps) FROM watchers")
        until(lambda: office.query("SELECT max(sweeps) FROM watchers") > sweeps, PATIENCE)
        assert office.stalls(task) == [(True, 1)]
        # Who beat all the while did not fall silent by the watcher's sleep.
        [(other,)] = office.query("SELECT task_id FROM tasks WHERE name = 'api-builder'")
        assert office.stalls(other) == []
        load.flows()

        assert office.beat("qa-builder", 50, task).status == 201
        assert office.stalls(task) == [(False, 1)]


def test_a_builder_whose_clock_is_wrong_is_heard_and_moves_nothing_backwards(office):
    def beat(**off):
        at = datetime.now(UTC) + timedelta(**off)
        return office.beat("integration-builder", timestamp=at.isoformat())

    with Load(office) as load:
        assert beat(seconds=0).status == 201
        [(pulse,)] = office.query(
            "SELECT last_heartbeat FROM builders WHERE builder_id = 'integration-builder'"
        )
        ahead = beat(minutes=10)
        assert ahead.status == 422
        assert json.loads(ahead.body)["errors"][0]["field"] == "timestamp"
        assert beat(hours=-1).status == 201
        assert beat(days=-400).status == 201
        assert office.query(
            "SELECT last_heartbeat FROM builders WHERE builder_id = 'integration-builder'"
        ) == [(pulse,)]
        assert beat(seconds=50).status == 201
        load.flows()
