"""A worker that is killed while a message is under way: it is told again, under the same id."""

import signal
import sys

import psycopg
import pytest

from foreman_office.notifications.secrets import encrypt
from kit.runtime import embedded_postgres
from tests.notifications.receiver import receiver
from tests.platform.conftest import PATIENCE, ROOT, copied, environment, start, use_server
from tests.races import until

__all__ = ["start", "use_server"]

pytestmark = pytest.mark.faults

KEY = "a key that only this test has"
MADE = """
    WITH channel AS (
        INSERT INTO notification_channels (name, kind, address_encrypted, secret_encrypted, shown)
        VALUES (%s, 'webhook', %s, %s, '') RETURNING channel_id
    )
    INSERT INTO deliveries (reason, channel_id, target, addressee)
    SELECT 'test', channel_id, 'channel-' || channel_id, 'the receiver' FROM channel
    RETURNING delivery_id::text
"""
SECRET = "whsec_" + "QUJD" * 10


def test_a_worker_that_is_killed_at_each_step_loses_no_message(
    tmp_path, migrated, start, use_server, settings
):
    settings.FOREMAN_CHANNEL_KEYS = [KEY]
    var = copied(migrated, tmp_path / "var")
    use_server(var).wait_for("ready")
    variables = {"FOREMAN_PRIVATE_CHANNELS": "true", "FOREMAN_CHANNEL_KEYS": KEY}

    def run(command):
        env = environment(var, FOREMAN_SWEEP_SECONDS="1", **variables)
        return start([sys.executable, ROOT / "manage.py", command], env)

    def ask(query, *params):
        with psycopg.connect(embedded_postgres.database_url(var)) as connection:
            return connection.execute(query, params).fetchone()[0]

    def state(key):
        return ask("SELECT state FROM deliveries WHERE delivery_id = %s::uuid", key)

    def queue(path):
        # Without a job, as a process leaves it that ends before it could queue one.
        return ask(MADE, path, encrypt(f"{url}/{path}"), encrypt(SECRET))

    with receiver() as (kept, url):
        run("watch").wait_for("sweeps every")
        worker = run("deliver")
        worker.wait_for("delivers messages")
        worker.end(signal.SIGKILL)  # before there is anything to do
        waiting, under_way = queue("200"), queue("hang-once")
        worker = run("deliver")
        until(lambda: any("hang" in path for path, *_ in kept.requests), PATIENCE)
        worker.end(signal.SIGKILL)  # after it was sent, before that was written down
        assert state(under_way) == "queued"
        other = run("deliver")
        until(lambda: state(under_way) == state(waiting) == "sent", PATIENCE)
        assert other.end(signal.SIGTERM) == 0

    ids = [headers["webhook-id"] for path, headers, _ in kept.requests if "hang" in path]
    assert ids == [under_way, under_way]
    assert [h["webhook-id"] for path, h, _ in kept.requests if path == "/200"] == [waiting]
    assert ask("SELECT count(*) FROM procrastinate_jobs") == 0
