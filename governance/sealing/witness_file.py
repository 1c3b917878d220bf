"""The witness that every office has: a file of checkpoints outside of the database.

It also protects the record from its own office: a database that was restored, or failed over, to
before the last checkpoint in this file lacks rows that were sealed. Nothing is signed there until
somebody says so, because a key that signs two different trees of one size proves nothing.
"""

import fcntl
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from django.conf import settings

from governance.models import Checkpoint
from governance.sealing.keys import (
    COMMAND,
    CannotSealError,
    key_file,
    newest_entry,
    public_keys,
    read_key,
)
from governance.sealing.notes import NoteError, PublicKey, TreeHead, opened, parted, public_bytes
from governance.sealing.stored_tree import MissingNodeError, last_checkpoint, read_nodes
from governance.sealing.tree import root

TAIL = 1 << 16  # bytes at the end of the file, which hold many checkpoints


def witness_path() -> Path:
    return Path(settings.FOREMAN_WITNESS_FILE or settings.FOREMAN_VAR / "checkpoints.txt")


def notes_in(content: str) -> list[str]:
    """Return the checkpoints in a text of many, in their order, without what is none."""
    parts = [part.strip("\n") for part in content.split("\n\n")]
    pairs = [
        f"{text}\n\n{signatures}\n"
        for text, signatures in pairwise(parts)
        if signatures.startswith("— ")
    ]
    return [note for note in pairs if is_checkpoint(note)]


def is_checkpoint(note: str) -> bool:
    try:
        text, _ = parted(note)
        TreeHead.parsed(text)
    except NoteError:
        return False
    return True


def last_note() -> str | None:
    """Return the last checkpoint in the file, or None if there is none."""
    try:
        with witness_path().open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - TAIL))
            content = file.read().decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotSealError(
            f"The witness file {witness_path()} cannot be read: {error.strerror}."
        ) from error
    found = notes_in(content)
    return found[-1] if found else None


def append(checkpoints: Sequence[Checkpoint]) -> None:
    """Append checkpoints to the file, and see them on the disk. Raises OSError."""
    notes = "".join(f"{each.note}\n" for each in checkpoints)
    with witness_path().open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if end := file.seek(0, os.SEEK_END):
            file.seek(max(0, end - 2))
            # A write that a full disk or a kill broke off is ended here.
            notes = notes if file.read() == b"\n\n" else f"\n\n{notes}"
        file.write(notes.encode())
        file.flush()
        os.fsync(file.fileno())


def expect_what_was_witnessed() -> None:
    """Raise `CannotSealError` if the database lacks what the last checkpoint in the file signed."""
    note = last_note()
    if not note:
        return
    head = TreeHead.parsed(parted(note)[0])
    newest = newest_entry()
    if not newest or head.origin != newest.name:
        # Of a record before this one. Its key must not sign again under its name.
        if not newest and signed_by_the_file(note, head):
            raise CannotSealError(behind(head, "nothing is sealed"))
        return
    try:
        opened(note, public_keys())
    except NoteError as error:
        raise CannotSealError(behind(head, f"its keys do not fit: {error}")) from error
    last = last_checkpoint()
    size = last.size if last else 0
    if head.size > size:
        raise CannotSealError(behind(head, f"{size} rows are sealed"))
    try:
        found = root(head.size, read_nodes)
    except MissingNodeError as error:
        raise CannotSealError(behind(head, str(error))) from error
    if found != head.root:
        raise CannotSealError(behind(head, "these rows are not the same"))


def signed_by_the_file(note: str, head: TreeHead) -> bool:
    """Return whether the key in the office's file signed a note."""
    private = read_key(key_file())
    if not private:
        return False
    try:
        opened(note, [PublicKey(head.origin, public_bytes(private))])
    except NoteError:
        return False
    return True


def behind(head: TreeHead, found: str) -> str:
    made = head.extension("time")
    when = f" at {made}" if made else ""
    return (
        f"The database is not the one that was witnessed: {witness_path()} ends with a checkpoint"
        f" over {head.size} rows{when}; here {found}. After a restore or a failover, rows that"
        " were sealed may be missing: manage.py replay_evidence says which. Nothing is signed"
        f" until the right database is back, or {COMMAND} --restart goes on under a new name."
    )
