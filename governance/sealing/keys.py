"""The key that signs checkpoints: its file, and which key the record expects.

The private key is in a file of the office, never in the database. The record lists the public keys
(`EvidenceKey`); the newest signs. A key that the record does not expect signs nothing.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from governance.models import Checkpoint, EvidenceKey, KeyEntry
from governance.sealing.notes import PublicKey, public_bytes

COMMAND = "manage.py evidence_key"


class CannotSealError(Exception):
    """Nothing is sealed or signed; the sentence says why, and what to do."""


class SigningKey(NamedTuple):
    """The key that may sign now."""

    entry: EvidenceKey
    private: Ed25519PrivateKey


def key_file() -> Path:
    return Path(settings.FOREMAN_EVIDENCE_KEY or settings.FOREMAN_VAR / "evidence_key")


def next_file() -> Path:
    """Return the file of a key that is being entered, until it takes the other's place."""
    return key_file().with_name(key_file().name + ".next")


def read_key(path: Path) -> Ed25519PrivateKey | None:
    """Return the private key in a file, or None if there is no file."""
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotSealError(f"The key {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CannotSealError(f"{path} has no private key in PEM without a password.") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise CannotSealError(f"The key {path} is not for Ed25519.")
    return found


def make_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in a file, which is made if it is not there; of two makers one wins."""
    private = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{uuid4().hex}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return read_key(path) or private


def put_in_place() -> None:
    """Move the next key's file to the key's place, and keep the file that was there beside it."""
    aside = f"{key_file().name}.until-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with suppress(FileNotFoundError):
        key_file().rename(key_file().with_name(aside))
    next_file().rename(key_file())


def public_keys() -> list[PublicKey]:
    """Return the keys of the record, the oldest first."""
    return [
        PublicKey(each.name, bytes(each.public_key))
        for each in EvidenceKey.objects.order_by("number")
    ]


def newest_entry() -> EvidenceKey | None:
    return EvidenceKey.objects.order_by("-number").first()


def new_name() -> str:
    """Return the name of a record that begins: the setting's, or one that no other office has."""
    return settings.FOREMAN_RECORD_NAME or f"foreman-office/{uuid4()}"


def enter_key(
    private: Ed25519PrivateKey, entered_as: KeyEntry, name: str, reason: str
) -> EvidenceKey:
    """Enter a key in the record, to sign from the next checkpoint on. The sealer's lock is ours."""
    last = Checkpoint.objects.order_by("-number").first()
    newest = newest_entry()
    return EvidenceKey.objects.create(
        number=newest.number + 1 if newest else 1,
        name=name,
        public_key=public_bytes(private),
        entered_as=entered_as,
        from_checkpoint=last.number + 1 if last else 1,
        reason=reason,
    )


def signing_key() -> SigningKey:
    """Return the key that signs, and enter the first one. The sealer's lock is ours."""
    newest = newest_entry()
    if not newest:
        private = make_key(key_file())
        return SigningKey(enter_key(private, KeyEntry.FIRST, new_name(), ""), private)
    return SigningKey(newest, expected_private(newest))


def expected_private(newest: EvidenceKey) -> Ed25519PrivateKey:
    """Return the private key of the record's newest key, or raise `CannotSealError`."""
    expected = PublicKey(newest.name, bytes(newest.public_key))
    private = read_key(key_file())
    if private and public_bytes(private) == expected.key:
        return private
    waiting = read_key(next_file())
    if waiting and public_bytes(waiting) == expected.key:
        put_in_place()  # the process that entered it was stopped before
        return waiting
    remedy = (
        f"Put the right file there, or set FOREMAN_EVIDENCE_KEY; if it is lost, {COMMAND} --replace"
        " enters a new key, and the record says so."
    )
    which = f"the key {expected.key_id.hex()} of {expected.name}"
    if not private:
        raise CannotSealError(
            f"The record is signed by {which}, which is not at {key_file()}. {remedy}"
        )
    raise CannotSealError(
        f"The record is signed by {which}, and {key_file()} is another key. {remedy}"
    )
