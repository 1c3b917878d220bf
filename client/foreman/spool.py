"""What is to be sent, on disk: a directory with a file for each message, in the order of sending.

Every message is written here before it is sent and removed after the answer, so that a killed
process loses none. Several processes may use one spool.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from foreman.config import make_directory, read_json, sync_directory, write_json, write_whole
from foreman.errors import ForemanError, SpoolFull

MOST_MESSAGES, MOST_BYTES = 10_000, 64 * 1024 * 1024
# Beats leave half of the room to reports.
SHARE_OF_BEATS = 0.5
MOST_ASIDE = 200
LONGEST_REST = 3600  # seconds; a clock that was set back must not silence a builder
FILE_NAME = re.compile(r"(\d{12})-([a-z]+)-([\w-]{1,64})")
BEAT, REPORT = "beat", "report"


class Message(NamedTuple):
    """A request to the office, with the key by which it is executed once."""

    kind: str
    path: str
    content_type: str
    body: bytes
    key: str
    about: str  # in words, for people
    made_at: float
    maker: int  # the process

    def packed(self) -> bytes:
        head = {name: value for name, value in self._asdict().items() if name != "body"}
        return json.dumps(head).encode() + b"\n" + self.body

    @classmethod
    def unpacked(cls, content: bytes) -> Message:
        head, _, body = content.partition(b"\n")
        return cls(**json.loads(head), body=body)


class Aside(NamedTuple):
    """A message that the office refused, and why."""

    file: Path
    about: str
    reason: str


class Spool:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.waiting = directory / "spool"
        self.aside = directory / "aside"
        self.answers = directory / "answers"
        self.notes = directory / "notes"
        try:
            for each in (directory, self.waiting, self.aside, self.answers, self.notes):
                make_directory(each)
        except OSError as error:
            raise ForemanError(
                f"{directory} cannot be made: {error.strerror}. XDG_STATE_HOME chooses another"
                " place."
            ) from error

    # --- what waits -------------------------------------------------------------------------------

    def entries(self) -> list[Path]:
        """Return the files of the messages, the first to send first."""
        names = [name for name in os.listdir(self.waiting) if FILE_NAME.fullmatch(name)]
        return [self.waiting / name for name in sorted(names)]

    def put(self, message: Message) -> Path:
        """Store a message behind all others, or raise SpoolFull."""
        with self._locked("numbers"):
            entries = self.entries()
            self._check_room(message, entries)
            number = int(entries[-1].name[:12]) + 1 if entries else 1
            file = self.waiting / f"{number:012d}-{message.kind}-{message.key}"
            # What a killed process left of a file that it did not finish.
            for draft in self.waiting.glob(".draft-*"):
                draft.unlink(missing_ok=True)
            write_whole(file, message.packed())
        return file

    def _check_room(self, message: Message, entries: list[Path]) -> None:
        share = SHARE_OF_BEATS if message.kind == BEAT else 1
        if len(entries) + 1 <= MOST_MESSAGES * share:
            sizes = 0
            for entry in entries:
                with suppress(FileNotFoundError):  # it was sent just now
                    sizes += entry.stat().st_size
            if sizes + len(message.body) <= MOST_BYTES * share:
                return
        raise SpoolFull(
            f"The spool is full ({len(entries)} messages in {self.waiting}): {message.about} was"
            " not kept. It empties itself when the office is reachable."
        )

    def read(self, entry: Path) -> Message | None:
        """Return a message; None if another process has sent it meanwhile."""
        try:
            return Message.unpacked(entry.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            self.put_aside(entry, entry.name, f"The file is damaged: {error}")
            return None

    def remove(self, entry: Path) -> None:
        entry.unlink(missing_ok=True)
        self._note(entry).unlink(missing_ok=True)

    # --- who sends --------------------------------------------------------------------------------

    @contextmanager
    def sending(self, deadline: float) -> Iterator[bool]:
        """Be the only one who sends; yield False if another process does until the deadline."""
        with self._lock_file("sending") as number:
            while True:
                try:
                    fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        yield False
                        return
                    time.sleep(0.02)
                else:
                    yield True
                    return

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self._lock_file(name) as number:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _lock_file(self, name: str) -> Iterator[int]:
        number = os.open(self.directory / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield number
        finally:
            os.close(number)  # which ends the lock, as a kill does

    def rest(self) -> float:
        """Return for how many more seconds the office wants no request."""
        until = read_json(self.directory / "rest.json").get("until", 0)
        left = float(until) - time.time()
        return left if 0 < left <= LONGEST_REST else 0

    def rest_for(self, seconds: float) -> None:
        until = time.time() + min(seconds, LONGEST_REST)
        write_json(self.directory / "rest.json", {"until": until})

    # --- what is known of a message ---------------------------------------------------------------

    def _note(self, entry: Path) -> Path:
        return self.notes / f"{entry.name}.json"

    def note_of(self, entry: Path) -> dict[str, Any]:
        """Return when a message was first tried, and how often the office failed at it."""
        return read_json(self._note(entry))

    def note(self, entry: Path, content: dict[str, Any]) -> None:
        write_json(self._note(entry), content)

    # --- what was refused -------------------------------------------------------------------------

    def put_aside(self, entry: Path, about: str, reason: str) -> Aside:
        """Move a message out of the way of the others, and keep it with the reason."""
        write_json(self.aside / f"{entry.name}.reason", {"about": about, "reason": reason})
        with suppress(FileNotFoundError):
            os.replace(entry, self.aside / entry.name)
            sync_directory(self.aside)
        self._note(entry).unlink(missing_ok=True)
        for old in self.refused()[:-MOST_ASIDE]:
            old.file.unlink(missing_ok=True)
            old.file.with_name(f"{old.file.name}.reason").unlink(missing_ok=True)
        return Aside(self.aside / entry.name, about, reason)

    def refused(self) -> list[Aside]:
        """Return what was refused, the oldest first."""
        files = [self.aside / name for name in os.listdir(self.aside) if FILE_NAME.fullmatch(name)]
        found = []
        for file in sorted(files, key=lambda file: (file.stat().st_mtime, file.name)):
            said = read_json(file.with_name(f"{file.name}.reason"))
            found.append(Aside(file, said.get("about", file.name), said.get("reason", "")))
        return found

    # --- answers for other processes --------------------------------------------------------------

    def leave_answer(self, key: str, answer: dict[str, Any]) -> None:
        """Keep an answer for the process that waits for it, if it still does."""
        for old in self.answers.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - old.stat().st_mtime > LONGEST_REST:
                    old.unlink()
        write_json(self.answers / f"{key}.json", answer)

    def take_answer(self, key: str) -> dict[str, Any]:
        file = self.answers / f"{key}.json"
        found = read_json(file)
        file.unlink(missing_ok=True)
        return found
