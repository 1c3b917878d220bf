"""The life in the demo: five builders, each a process that knows only HTTP, and their foreman."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from builders.actions import issue_token, revoke_token
from builders.models import Builder
from foreman_office.demo.foreman import SIMULATED, Foreman
from foreman_office.kit.children import Children


class Command(BaseCommand):
    help = "Simulate a foreman and five builders at the office that is open at ADDRESS."
    requires_system_checks = []  # the office has checked what it starts

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument("--seed", type=int, default=settings.FOREMAN_SIMULATION_SEED)
        parser.add_argument("--pace", type=float, default=1.0, help="0.1 is ten times as fast")

    def handle(self, *, address: str, seed: int, pace: float, **options: Any) -> None:
        with fresh_tokens() as tokens, Children(grace=2) as children:
            for builder, token in tokens.items():
                children.start(
                    builder,
                    [
                        *(sys.executable, "-m", "foreman_office.demo.builder", builder),
                        *("--office", address, "--seed", str(seed), "--pace", str(pace)),
                    ],
                    env={"FOREMAN_TOKEN": token, "PYTHONPATH": str(settings.BASE_DIR)},
                )
            Foreman(seed, pace).work()


@contextmanager
def fresh_tokens() -> Iterator[dict[str, str]]:
    """Give each builder a token for as long as the simulation lasts.

    One that a killed simulation has left behind makes way, and so does, of two, the older.
    """
    issued, texts = [], {}
    for builder in Builder.objects.all():
        for old in builder.tokens.valid().order_by("-created_at")[1:]:
            revoke_token(old, by=SIMULATED)
        token, texts[builder.pk] = issue_token(builder, by=SIMULATED)
        issued.append(token)
    try:
        yield texts
    finally:
        for token in issued:
            revoke_token(token, by=SIMULATED)
