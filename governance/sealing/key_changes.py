"""Changes of the key that signs: each is entered in the record, and none happens by itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction

from governance.models import EvidenceKey, KeyEntry
from governance.sealing.keys import (
    COMMAND,
    CannotSealError,
    SigningKey,
    enter_key,
    expected_private,
    make_key,
    new_name,
    newest_entry,
    next_file,
    put_in_place,
)
from governance.sealing.notes import PublicKey, public_bytes
from governance.sealing.sealer import lock_progress, sign
from governance.sealing.stored_tree import last_checkpoint
from governance.sealing.witness_file import expect_what_was_witnessed


def rotate(reason: str) -> EvidenceKey:
    """Enter a new key, for which the old one signs: in a last checkpoint that names it."""
    with changing() as (newest, new):
        expect_what_was_witnessed()
        signing = SigningKey(newest, expected_private(newest))
        key = PublicKey(newest.name, public_bytes(new))
        if last := last_checkpoint():
            sign(signing, last, last.size, bytes(last.root), last.complete, f"next-key {key}")
        entry = enter_key(new, KeyEntry.ROTATED, newest.name, reason)
    put_in_place()
    return entry


def replace(reason: str) -> EvidenceKey:
    """Enter a new key in the place of one that is lost. Only the reason vouches for it."""
    with changing() as (newest, new):
        if is_there(newest):
            raise CannotSealError(
                f"The key is not lost: {COMMAND} --rotate lets it sign for the next."
            )
        expect_what_was_witnessed()
        entry = enter_key(new, KeyEntry.REPLACED, newest.name, reason)
    put_in_place()
    return entry


def restart(reason: str) -> EvidenceKey:
    """Begin a record under a new name and key, over the rows that are in the database now.

    Under the old name the key has signed for rows that are missing: a second tree of that name
    would prove that neither is to be trusted.
    """
    with changing() as (newest, new):
        name = settings.FOREMAN_RECORD_NAME
        name = f"{name}/{newest.number + 1}" if name else new_name()
        entry = enter_key(new, KeyEntry.RESTARTED, name, reason)
    put_in_place()
    return entry


def is_there(newest: EvidenceKey) -> bool:
    """Return whether the private key that the record expects is in its file."""
    try:
        expected_private(newest)
    except CannotSealError:
        return False
    return True


@contextmanager
def changing() -> Iterator[tuple[EvidenceKey, Ed25519PrivateKey]]:
    """Yield the newest entry, and a new key beside the old one. Nobody seals meanwhile."""
    with transaction.atomic(durable=True):
        lock_progress(wait=True)
        newest = newest_entry()
        if not newest:
            raise CannotSealError("Nothing is sealed yet: the watcher makes a key when it starts.")
        is_there(newest)  # where a change was broken off, its end comes first
        next_file().unlink(missing_ok=True)
        yield newest, make_key(next_file())
