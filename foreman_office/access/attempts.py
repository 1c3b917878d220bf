"""How often one may try to log in: counted in the database, for all processes and over restarts.

Failures count by address and name together, by address, and by name. Nobody can lock a person
out: while a name is under attack, each further address still has a few attempts at it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from governance.models import LoginAttempt
from kit.core.turns import NoTurn, Turns
from kit.web.client_address import client_address, network_of
from kit.web.later import TryLater, too_crowded

WINDOW = timedelta(minutes=10)
# Failures of one name from one address: the first few may follow at once, each further one doubles
# the seconds until the next attempt, and after the last the window must pass.
AT_ONCE, MOST = 3, 10
MOST_OF_ADDRESS = 50  # whatever the names
# Failures of one name from all addresses, and what each address then still has.
MOST_OF_NAME, LEFT_UNDER_ATTACK = 100, 3

# One password is hashed at a time: each takes a processor for a third of a second.
hashing = Turns(at_once=1, waiting=3, patience=2)
RETRY_WHEN_CROWDED = 2


class Asker(NamedTuple):
    """Who wants to log in, as it is counted."""

    address: str
    name: str
    at_once: int = AT_ONCE
    under_attack: int = LEFT_UNDER_ATTACK

    @classmethod
    def of(cls, request: HttpRequest, name: str) -> "Asker":
        alike = unicodedata.normalize("NFKC", name).strip().casefold()
        digest = salted_hmac("foreman_office.attempts", alike, algorithm="sha256").hexdigest()
        return cls(network_of(client_address(request.META)), digest)

    @classmethod
    def of_link(cls, request: HttpRequest) -> "Asker":
        """Return the asker of a login link, which no haste helps to guess."""
        return cls.of(request, "a login link")._replace(at_once=MOST)

    @classmethod
    def of_provider(cls, request: HttpRequest) -> "Asker":
        """Return the asker of a login by another provider, whose name is not known yet."""
        return cls.of(request, "a provider's login")._replace(at_once=MOST)

    @classmethod
    def of_code(cls, request: HttpRequest, name: str, may_be_guessed: bool) -> "Asker":
        """Return the asker of a second factor, counted apart from passwords.

        Six digits can be guessed from many addresses at once by one who has the password. Then
        only a recovery code is taken.
        """
        asker = cls.of(request, f"{name}\0code")
        return asker._replace(under_attack=0) if may_be_guessed else asker


class Failures(NamedTuple):
    """Failures within the window: their ages in seconds, the newest first."""

    of_pair: Sequence[float]
    of_address: Sequence[float]
    of_name: int


def seconds_to_wait(
    failed: Failures, at_once: int = AT_ONCE, under_attack: int = LEFT_UNDER_ATTACK
) -> float:
    """Return how long the next attempt has to wait; 0 if it may come now."""
    window = WINDOW.total_seconds()
    waits = [0.0]
    most = MOST if failed.of_name < MOST_OF_NAME else under_attack
    if len(failed.of_pair) >= most:
        waits.append(window - (failed.of_pair[0] if failed.of_pair else 0))
    elif len(failed.of_pair) >= at_once:
        waits.append(2.0 ** (len(failed.of_pair) - at_once) - failed.of_pair[0])
    if len(failed.of_address) >= MOST_OF_ADDRESS:
        waits.append(window - failed.of_address[MOST_OF_ADDRESS - 1])
    return max(waits)


def failures_of(asker: Asker) -> Failures:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name = %s, extract(epoch FROM clock_timestamp() - at)::float"
            " FROM login_attempts WHERE address = %s AND at > clock_timestamp() - %s"
            " ORDER BY at DESC LIMIT 200",
            [asker.name, asker.address, WINDOW],
        )
        mine = cursor.fetchall()
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM login_attempts"
            " WHERE name = %s AND at > clock_timestamp() - %s LIMIT %s) AS recent",
            [asker.name, WINDOW, MOST_OF_NAME],
        )
        [of_name] = cursor.fetchone()
    pair = [age for is_same, age in mine if is_same]
    return Failures(pair, [age for _, age in mine], of_name)


def refuse_the_hasty(asker: Asker) -> None:
    """Raise TryLater if this one has failed too often or too recently."""
    wait = seconds_to_wait(failures_of(asker), asker.at_once, asker.under_attack)
    if wait > 0:
        raise TryLater(
            429, "too_many_attempts", "There were too many failed attempts to log in.", wait
        )


def count_attempt(asker: Asker) -> LoginAttempt:
    """Count an attempt as failed before it is made, so that no two at once pass as one."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A lock that only a role with rights on the table can take. It is held for a moment.
            cursor.execute("LOCK TABLE login_attempts IN SHARE ROW EXCLUSIVE MODE")
        refuse_the_hasty(asker)
        return LoginAttempt.objects.create(address=asker.address, name=asker.name)


@contextmanager
def attempt(asker: Asker) -> Iterator[None]:
    """Hash one password inside, in its turn, or raise TryLater. It is counted as failed."""
    refuse_the_hasty(asker)
    let_the_connection_go()
    try:
        with hashing.turn():
            count_attempt(asker)
            yield
    except NoTurn:
        raise too_crowded(RETRY_WHEN_CROWDED) from None


def succeeded(asker: Asker) -> None:
    """Forget the failures of one who has got in."""
    LoginAttempt.objects.filter(address=asker.address, name=asker.name).delete()


def let_the_connection_go() -> None:
    """Hold no connection of the few that there are while waiting for a turn."""
    if not connection.in_atomic_block:
        connection.close()
