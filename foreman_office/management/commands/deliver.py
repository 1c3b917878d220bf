import logging

from django.core.management import BaseCommand

from foreman_office.notifications import worker

logger = logging.getLogger("foreman.deliver")


class Command(BaseCommand):
    help = "Deliver the messages of the queue, until stopped. Any number may run, anywhere."
    requires_system_checks = []  # the office has checked what it starts

    def add_arguments(self, parser):
        parser.add_argument(
            "--once", action="store_true", help="End when nothing is due, instead of waiting."
        )

    def handle(self, *args, once, **options):
        logger.info("delivers messages")
        worker.run(wait=not once)
        logger.info("stopped")
