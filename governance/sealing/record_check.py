"""What replay_evidence says of the sealed record: what differs, and what could not be checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from governance.models import Checkpoint
from governance.sealing.notes import NoteError, TreeHead, parted
from governance.sealing.sealer import unsealed
from governance.sealing.verifying import Verification, timelines
from governance.sealing.witness_file import notes_in

MOST = 20  # differences that are named; a record that was rewritten has one for each row
COUNTED = 1_000_000  # how far rows that are not sealed yet are counted
LOST = {"row missing", "tail cut", "leaf missing", "checkpoint missing"}


class RecordCheck(NamedTuple):
    """What was found; `remarks` are no differences."""

    differences: list[str]
    remarks: list[str]


def check_record(witness: Path, *, is_named: bool = False) -> RecordCheck:
    """Compare the rows with what was sealed and signed, and with a witness's checkpoints.

    A file that somebody named must be there; the office's own may be missing.
    """
    remarks = []
    try:
        notes = notes_in(witness.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        if is_named:
            raise
        notes = []
        remarks.append(
            f"The witness file {witness} cannot be read ({error.strerror}): whether the newest rows"
            " and checkpoints are gone cannot be told."
        )
    verification = Verification(notes)
    found = []
    left_out = 0
    for difference in verification.differences():
        if len(found) < MOST:
            found.append(difference)
        else:
            left_out += 1
    sentences = [difference.sentence for difference in found]
    if left_out:
        sentences.append(f"{left_out:,} more differences of the sealed record.")
    if any(difference.rule in LOST for difference in found):
        sentences += timeline_changed()
    if verification.checkpoints:
        remarks.append(
            f"Sealed: {verification.leaves:,} rows under {verification.checkpoints:,} checkpoints"
            f" of the office and {verification.witnessed:,} of {witness}."
        )
    else:
        remarks.append("Nothing is sealed: rows could be compared with no checkpoint.")
    if waiting := unsealed(limit=COUNTED):
        remarks.append(f"Not sealed yet, so protected by nothing outside: {waiting:,} rows.")
    return RecordCheck(sentences, [*remarks, *rules_put_back()])


def timeline_changed() -> Iterator[str]:
    """Yield whether another server has taken over since the last checkpoint was signed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        if cursor.fetchone()[0]:  # it has none of its own
            return
    signed, now = timelines()
    if signed and now and signed != now:
        yield (
            f"The server's timeline was {signed} when the last checkpoint was signed that is here,"
            f" and is {now} now: after a failover to a standby that lacked the last commits, or a"
            " recovery to an earlier time, acknowledged rows are missing."
        )


def rules_put_back() -> Iterator[str]:
    """Yield when the rules were others and then the same as before, by the checkpoints."""
    before: dict[str, int] = {}  # the rules -> the last checkpoint that was signed over them
    last = ""
    for number, note in Checkpoint.objects.order_by("number").values_list("number", "note"):
        try:
            rules = TreeHead.parsed(parted(note)[0]).extension("rules") or ""
        except NoteError:
            continue
        if rules and rules != last and rules in before:
            yield (
                f"The rules were others after checkpoint {before[rules]}, and at checkpoint"
                f" {number} the same again: they were changed and put back, or an earlier version"
                " was."
            )
        before[rules] = number
        last = rules or last
