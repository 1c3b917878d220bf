"""The queue of messages: procrastinate's tables, written in the transaction of their cause.

A delivery that is queued has one job that waits or is at work. Jobs of workers that were killed,
and deliveries whose job is gone, are found by the watcher's sweep.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from governance.models import Delivery

QUEUE = "messages"
TASK = "foreman.deliver"
# Workers give a sign of life every 10 s; one without is taken for dead after this many.
DEAD_AFTER = 30


def defer(delivery: UUID, at: datetime | None = None) -> None:
    """Queue the next attempt of a delivery, unless one waits, in the transaction under way."""
    key = f"delivery-{delivery}"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo'", [key]
        )
        if cursor.fetchone():
            return
    # The app has another connector in a worker; this one writes in Django's transaction.
    jobs = JobManager(DjangoConnector())
    task = configure_task(
        name=TASK, job_manager=jobs, queue=QUEUE, lock=key, queueing_lock=key, schedule_at=at
    )
    task.defer(delivery=str(delivery))


def take_up_stalled() -> int:
    """Queue again whatever no worker will finish; return how many deliveries that were.

    The jobs of dead workers stay "doing" and hold their locks: they are removed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs WHERE queue_name = %s AND status = 'doing'"
            " AND NOT EXISTS (SELECT FROM procrastinate_workers WHERE id = worker_id"
            " AND last_heartbeat > now() - make_interval(secs => %s))",
            [QUEUE, DEAD_AFTER],
        )
        cursor.execute(
            "SELECT args ->> 'delivery' FROM procrastinate_jobs"
            " WHERE queue_name = %s AND status IN ('todo', 'doing')",
            [QUEUE],
        )
        at_work = {UUID(key) for (key,) in cursor.fetchall()}
    lost = Delivery.objects.queued().exclude(pk__in=at_work).values_list("pk", "due_at")
    return defer_all(lost)


def defer_all(rows: Iterable[tuple[UUID, datetime]]) -> int:
    found = list(rows)
    for key, due_at in found:
        defer(key, due_at)
    return len(found)


def worker_is_alive() -> bool:
    """Return whether any worker gives signs of life."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_workers"
            " WHERE last_heartbeat > now() - make_interval(secs => %s))",
            [DEAD_AFTER],
        )
        return bool(cursor.fetchone()[0])


def database_now() -> datetime:
    """Return the moment at which the transaction under way began, by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
        return moment
