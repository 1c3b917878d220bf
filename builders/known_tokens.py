"""Return whose a token is, by the digest that is stored of it, and for which organisation."""

import hashlib
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from kit.core.acts import Refused
from kit.core.row_security import ITSELF
from kit.runtime.database.members import organisation_in_use
from programs.models import Organisation


def token_digest(text: str) -> bytes:
    """Return what is stored of a token: the SHA-256 of its text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


class KnownToken(NamedTuple):
    """A valid token: its builder, and the organisation for whose tasks it is, or None."""

    builder_id: str
    organisation_id: UUID | None


def known_token(text: str) -> KnownToken | None:
    """Return whose valid token this is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT builder_id, organisation_id FROM builders_token(%s)", [token_digest(text)]
        )
        found = KnownToken(*cursor.fetchone())
    return found if found.builder_id else None


def organisation_of_token(organisation: Organisation | None) -> UUID | None:
    """Return the organisation of a new token: the one that is named, or that one works for.

    Raises Refused for who works for the office itself: a token without an organisation reads, and
    reports about, the programs of all.
    """
    works_for = organisation_in_use()
    if works_for == UUID(ITSELF):
        raise Refused(
            "token_of_the_whole_office",
            "A token without an organisation is for the whole office, and issued by who serves it.",
        )
    return organisation.pk if organisation else works_for
