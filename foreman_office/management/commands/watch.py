import logging
import signal
from datetime import timedelta
from threading import Event

from django.conf import settings
from django.core.management import BaseCommand

from foreman_office.dashboard.inbox.reconciling import Reconciling
from governance.watch import Watch

logger = logging.getLogger("foreman.watcher")


class Command(BaseCommand):
    help = (
        "Sweep for silent builders, and queue messages, every FOREMAN_SWEEP_SECONDS, until stopped."
    )
    requires_system_checks = []  # the office has checked what it starts

    def handle(self, *args, **options):
        stop = Event()
        before = {
            number: signal.getsignal(number)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }

        def end(number, frame):
            # The sweep under way ends first; a second signal ends it at once.
            stop.set()
            for each, handler in before.items():
                signal.signal(each, handler)

        for number in before:
            signal.signal(number, end)
        period = timedelta(seconds=settings.FOREMAN_SWEEP_SECONDS)
        logger.info(f"sweeps every {settings.FOREMAN_SWEEP_SECONDS} s")
        Watch(period, stop, logger.info, Reconciling(logger.info)).run()
        logger.info("stopped")
