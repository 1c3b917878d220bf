"""The demo's processes: five builders, each knowing only HTTP, and their foreman."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import BaseCommand, CommandParser
from django.db import connection

from builders.actions import issue_ci_token, issue_token, revoke_token
from builders.models import Builder, CIToken
from foreman_office.simulation.builder import client_for
from foreman_office.simulation.foreman import Foreman
from foreman_office.simulation.pages import Pages
from kit.core.roles import Role
from kit.runtime.process_group import Children

NAME = "simulation"  # of the foreman, and of its CI token


class Command(BaseCommand):
    help = "Simulate a foreman and five builders at the office that is open at ADDRESS."
    requires_system_checks = []  # the office has checked what it starts

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address")
        parser.add_argument("--seed", type=int, default=settings.FOREMAN_SIMULATION_SEED)
        parser.add_argument("--pace", type=float, default=1.0, help="0.1 is ten times as fast")

    def handle(self, *, address: str, seed: int, pace: float, **options: Any) -> None:
        with (
            fresh_tokens() as tokens,
            fresh_password() as password,
            fresh_ci_token() as ci_token,
            Children(grace=2) as children,
        ):
            # What the clients keep until the office is back lies with the office's own files.
            os.environ["XDG_STATE_HOME"] = str(settings.FOREMAN_VAR / "simulation")
            for builder, token in tokens.items():
                children.start(
                    builder,
                    [
                        *(sys.executable, "-m", "foreman_office.simulation.builder", builder),
                        *("--office", address, "--seed", str(seed), "--pace", str(pace)),
                    ],
                    env={"FOREMAN_TOKEN": token, "PYTHONPATH": str(settings.BASE_DIR)},
                )
            pages = Pages(address, NAME, password)
            connection.close()  # nothing is asked of the database until the tokens are taken back
            Foreman(seed, pages, client_for(address, ci_token), pace).work()


@contextmanager
def fresh_password() -> Iterator[str]:
    """Yield the password of the simulated foreman, a user for as long as the simulation lasts."""
    user, _ = User.objects.get_or_create(username=NAME)
    user.groups.set(Group.objects.filter(name=Role.FOREMAN))
    password = secrets.token_urlsafe(32)
    user.set_password(password)
    user.save(update_fields=["password"])
    try:
        yield password
    finally:
        user.set_unusable_password()
        user.save(update_fields=["password"])


@contextmanager
def fresh_ci_token() -> Iterator[str]:
    """Yield a CI token of the simulated foreman; one left from an earlier simulation is revoked."""
    for old in CIToken.objects.valid().filter(name=NAME):
        revoke_token(old, by=None)
    token, text = issue_ci_token(NAME, by=None)
    try:
        yield text
    finally:
        revoke_token(token, by=None)


@contextmanager
def fresh_tokens() -> Iterator[dict[str, str]]:
    """Yield a token for each builder for as long as the simulation lasts.

    One that a killed simulation has left is revoked, and so is the older of two.
    """
    issued, texts = [], {}
    for builder in Builder.objects.all():
        for old in builder.tokens.valid().order_by("-created_at")[1:]:
            revoke_token(old, by=None)
        token, texts[builder.pk] = issue_token(builder, by=None)
        issued.append(token)
    try:
        yield texts
    finally:
        for token in issued:
            revoke_token(token, by=None)
