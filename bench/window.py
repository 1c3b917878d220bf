"""Pages that draw heartbeats, with very many of them in the window that is drawn, and with few."""

from collections.abc import Iterator

import psutil
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from bench.figures import Measurement, compare_pairs
from bench.office import database_copy, fill, in_database
from bench.sizes import Sizes
from builders.models import Builder

MANY, FEW_BEATS = 200_000, 500
READS = 20  # of a page in each half of a pair; a tick of the processor's clock is 10 ms
SENT = """
    INSERT INTO heartbeats (heartbeat_id, builder_id, task_id, timestamp, received_at, status)
    SELECT programs_time_ordered_id(), builder_id, current_task_id, at, at, 'active'
    FROM builders CROSS JOIN (
        SELECT now() - make_interval(secs => number * 3600.0 / %(each)s) AS at
        FROM generate_series(1, %(each)s) AS number
    ) AS sent
"""


def run(sizes: Sizes) -> Iterator[Measurement]:
    many = MANY if sizes.rounds > 1 else FEW_BEATS
    with database_copy("bench_many_beats") as busy:
        fill()
        send_in_last_hour(many)
        with database_copy("bench_few_beats") as quiet:
            fill()
            send_in_last_hour(FEW_BEATS)
            for page, path in drawing_pages().items():
                pairs = [
                    (database_time(busy, path), database_time(quiet, path))
                    for _ in range(sizes.rounds)
                ]
                yield compare_pairs(
                    f"database time of {page}, {many:,} beats in an hour and {FEW_BEATS}",
                    "ms",
                    pairs,
                    under=30,
                )


def send_in_last_hour(number: int) -> None:
    """Store so many heartbeats of all builders, past the triggers that judge each of them."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE heartbeats DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE heartbeats ENABLE TRIGGER builders_keep_minutes_inserted")
        cursor.execute(SENT, {"each": number // Builder.objects.count()})
        cursor.execute("ALTER TABLE heartbeats ENABLE TRIGGER USER")
        cursor.execute("VACUUM (ANALYZE)")


def drawing_pages() -> dict[str, str]:
    builder = Builder.objects.exclude(current_task=None).order_by("pk")[0]
    return {
        "builders": reverse("builders:builder_list"),
        "a builder": reverse("builders:builder", args=[builder.pk]),
        "a task": builder.current_task.get_absolute_url(),
        "a replay": reverse("governance:replay"),
    }


def database_time(name: str, path: str) -> float:
    """Return the processor time that the database takes for a page, in ms."""
    with in_database(name):
        user, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        get_page(client, path)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend = psutil.Process(cursor.fetchone()[0])
        before = sum(backend.cpu_times()[:2])
        for _ in range(READS):
            get_page(client, path)
        return (sum(backend.cpu_times()[:2]) - before) / READS * 1000


def get_page(client: Client, path: str) -> None:
    answer = client.get(path, follow=True)
    if answer.status_code != 200:
        raise AssertionError(f"{path} answered {answer.status_code}")
