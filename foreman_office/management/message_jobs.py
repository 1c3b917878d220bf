"""The task that a worker of the queue runs: one attempt to deliver one message."""

from procrastinate.contrib.django import app

from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.notifications.delivering import attempt_delivery
from foreman_office.notifications.queue import QUEUE, TASK


@app.task(name=TASK, queue=QUEUE)
def deliver(delivery: str) -> None:
    attempt_delivery(delivery, reconcile)
