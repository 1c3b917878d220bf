"""A worker of the queue: one process that delivers a few messages at once."""

import asyncio
from typing import Any

from django.db import connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from foreman_office.notifications.network import all_connections_checked
from foreman_office.notifications.queue import DEAD_AFTER, QUEUE
from kit.runtime.database_addresses import uses_a_pooler

AT_ONCE = 4  # messages, each of which has a connection to the database while it is sent
CONNECTIONS = 2  # of the queue itself, beside the one that listens
POLL = 5.0  # seconds, for what became due without a notification
GRACE = 12.0  # seconds for messages under way: a little more than a webhook has


def run(*, wait: bool = True, **options: Any) -> None:
    """Deliver until stopped by a signal, or, without `wait`, until nothing is due.

    A transaction pooler keeps no session that listens: there the queue is polled.
    """
    listens = not uses_a_pooler()
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=CONNECTIONS)
    connection.close()
    with all_connections_checked(), app.replace_connector(connector) as worker_app:
        asyncio.run(
            run_worker(
                worker_app,
                wait=wait,
                queues=[QUEUE],
                concurrency=AT_ONCE,
                fetch_job_polling_interval=POLL,
                shutdown_graceful_timeout=GRACE,
                listen_notify=listens and wait,
                delete_jobs="always",
                stalled_worker_timeout=DEAD_AFTER,
                **options,
            )
        )


async def run_worker(worker_app: Any, **options: Any) -> None:
    async with worker_app.open_async():
        await worker_app.run_worker_async(**options)
