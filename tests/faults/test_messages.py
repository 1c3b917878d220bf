"""Workers that are killed while a message is under way, several at once, and behind a pooler."""

import signal
import sys
from contextlib import contextmanager

import psycopg
import pytest

from foreman_office.notifications.secrets import encrypt
from kit.runtime import embedded_postgres
from tests.bouncer import bouncer
from tests.notifications.receiver import receiver
from tests.platform.conftest import PATIENCE, ROOT, copied, environment, place, start, use_server
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
WAITS_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'deliveries'
"""
SECRET = "whsec_" + "QUJD" * 10


class Scene:
    """A database of its own, a receiver, and workers as processes."""

    def __init__(self, var, start, kept, url, **variables):
        self.var, self.start, self.kept, self.url = var, start, kept, url
        private = {"FOREMAN_PRIVATE_CHANNELS": "true", "FOREMAN_CHANNEL_KEYS": KEY}
        self.env = environment(var, FOREMAN_SWEEP_SECONDS="1", **private, **variables)
        self.made = 0

    def run(self, command):
        return self.start([sys.executable, ROOT / "manage.py", command], self.env)

    def watch(self):
        watcher = self.run("watch")
        watcher.wait_for("sweeps every")
        return watcher

    def worker(self):
        worker = self.run("deliver")
        worker.wait_for("delivers messages")
        return worker

    def connect(self):
        return psycopg.connect(embedded_postgres.database_url(self.var), autocommit=True)

    def ask(self, query, *params):
        with self.connect() as connection:
            return connection.execute(query, params).fetchone()[0]

    def state(self, key):
        return self.ask("SELECT state FROM deliveries WHERE delivery_id = %s::uuid", key)

    def queue(self, path):
        """Make a delivery without a job, as a process leaves it that ends before it queued one."""
        self.made += 1
        address = encrypt(f"{self.url}/{path}")
        return self.ask(MADE, f"{path} {self.made}", address, encrypt(SECRET))

    def arrived(self, path=""):
        """Return the ids of the messages that the receiver was sent, in order."""
        return [head["webhook-id"] for at, head, _ in self.kept.requests if path in at]

    def all_sent(self, *keys):
        return all(self.state(key) == "sent" for key in keys)


@pytest.fixture
def scene(migrated, start, use_server, settings, tmp_path):
    settings.FOREMAN_CHANNEL_KEYS = [KEY]
    var = copied(migrated, tmp_path / "var")
    use_server(var).wait_for("ready")
    with receiver() as (kept, url):
        yield Scene(var, start, kept, url)


def test_a_worker_that_is_killed_before_or_after_it_sends_loses_no_message(scene):
    scene.watch()
    scene.worker().end(signal.SIGKILL)  # before there is anything to do
    waiting, under_way = scene.queue("200"), scene.queue("hang-once")
    worker = scene.worker()
    until(lambda: scene.arrived("hang"), PATIENCE)
    worker.end(signal.SIGKILL)  # after it was sent, before that was written down
    assert scene.state(under_way) == "queued"
    other = scene.worker()
    until(lambda: scene.all_sent(waiting, under_way), PATIENCE)
    assert other.end(signal.SIGTERM) == 0
    assert scene.arrived("hang") == [under_way, under_way]
    assert scene.arrived("/200") == [waiting]
    assert scene.ask("SELECT count(*) FROM procrastinate_jobs") == 0


def test_a_worker_that_is_killed_while_it_writes_down_what_it_sent_loses_no_message(scene):
    scene.watch()
    worker = scene.worker()
    key = scene.queue("held")
    until(lambda: scene.arrived("held"), PATIENCE)
    with scene.connect() as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM deliveries WHERE delivery_id = %s FOR UPDATE", [key])
        scene.kept.go.set()  # the receiver takes it, and the worker cannot write that down
        until(lambda: scene.ask(WAITS_FOR_A_LOCK), PATIENCE)
        worker.end(signal.SIGKILL)
    # Whether the database still writes what a dead worker has asked for is its own affair.
    scene.worker()
    until(lambda: scene.all_sent(key), PATIENCE)
    assert set(scene.arrived()) == {key}
    assert len(scene.arrived()) <= 2


def test_several_workers_send_each_message_once(scene):
    keys = [scene.queue("200") for _ in range(30)]
    workers = [scene.worker() for _ in range(3)]
    scene.watch()
    until(lambda: scene.all_sent(*keys), PATIENCE)
    assert sorted(scene.arrived()) == sorted(keys)
    assert [worker.end(signal.SIGTERM) for worker in workers] == [0, 0, 0]
    assert scene.ask("SELECT count(*) FROM procrastinate_jobs") == 0
    assert scene.ask("SELECT max(attempts) FROM deliveries") == 1


@contextmanager
def pooled(scene):
    """Let the scene's processes reach the database by PgBouncer in transaction mode."""
    with bouncer(scene.var, place(), ignored="options") as port:
        user, name = embedded_postgres.USER, embedded_postgres.DATABASE
        scene.env |= {
            "DATABASE_URL": f"postgres://{user}@127.0.0.1:{port}/{name}",
            "DATABASE_POOLED": "true",
            "SECRET_KEY": "0123456789" * 5,
        }
        yield


def test_a_worker_behind_a_pooler_delivers_without_listening(scene):
    with pooled(scene):
        watcher, worker = scene.watch(), scene.worker()
        keys = [scene.queue("200") for _ in range(5)]
        until(lambda: scene.all_sent(*keys), PATIENCE)
        assert sorted(scene.arrived()) == sorted(keys)
        assert [process.end(signal.SIGTERM) for process in (worker, watcher)] == [0, 0]
