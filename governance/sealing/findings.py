"""What the system checks say of the sealed record."""

import stat
from collections.abc import Iterator
from datetime import timedelta

from django.core.checks import CheckMessage
from django.utils.timezone import now

from governance.models import Watcher, WitnessProgress
from governance.sealing.keys import CannotSealError, expected_private, key_file, newest_entry
from governance.sealing.sealer import unsealed
from governance.sealing.stored_tree import last_checkpoint
from governance.sealing.witness_file import expect_what_was_witnessed
from kit.core.findings import fault, warning

LATE = timedelta(minutes=5)
COUNTED = 1_000


def findings_of_sealing() -> Iterator[CheckMessage]:
    """Yield findings about the key that signs, the record that it signed, and its witnesses."""
    yield from findings_of_key()
    yield from findings_of_record()
    yield from findings_of_witnesses()


def findings_of_key() -> Iterator[CheckMessage]:
    newest = newest_entry()
    if not newest:
        return
    try:
        expected_private(newest)
    except CannotSealError as error:
        # Another machine may have the key, and seal.
        yield (warning if sealed_lately() else fault)(51, "evidence_key", str(error))
        return
    if stat.S_IMODE(key_file().stat().st_mode) & 0o077:
        yield fault(
            52,
            "evidence_key",
            f"Others than its owner may read {key_file()}, and sign as this office: chmod 600, and"
            " manage.py evidence_key --rotate if it may have been read.",
        )


def findings_of_record() -> Iterator[CheckMessage]:
    try:
        expect_what_was_witnessed()
    except CannotSealError as error:
        yield fault(53, "sealed record", str(error))
    waiting = unsealed(COUNTED)
    long_watched = Watcher.objects.alive().filter(started_at__lt=now() - LATE).exists()
    if waiting and long_watched and not sealed_lately():
        some = f"At least {waiting}" if waiting == COUNTED else waiting
        yield fault(
            54,
            "sealed record",
            f"{some} rows of the record are not sealed, and no checkpoint was signed for"
            f" {LATE.total_seconds() / 60:.0f} minutes: the watcher's log says why.",
        )


def findings_of_witnesses() -> Iterator[CheckMessage]:
    for each in WitnessProgress.objects.exclude(failure=""):
        sentence = f"It is not told of new checkpoints: {each.failure}. It is tried again."
        yield warning(55, each.witness, sentence)


def sealed_lately() -> bool:
    last = last_checkpoint()
    return last is not None and last.made_at > now() - LATE
