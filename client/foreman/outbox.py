"""Sending what is in the spool: in order, each message once, whoever was killed in between."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from foreman.errors import ForemanError, Refused, Unreachable
from foreman.office import Answer, Office
from foreman.spool import BEAT, REPORT, Aside, Message, Spool

# Seconds between two attempts while the office is away.
FIRST_PAUSE, LAST_PAUSE = 0.5, 15.0
# Seconds that nobody waits for without being told.
LONG = 5
# The office remembers an Idempotency-Key for a day. What may have arrived longer ago would be
# executed again.
REMEMBERED = 23 * 3600
# Times that the office may fail at a message itself (status 500) before others pass it.
MOST_FAILURES = 10
# The token is wrong now, and may be right after the next login.
TOKEN_REFUSED = 401


class Outcome(NamedTuple):
    """What became of a message: the office's answer, a refusal, or neither if it is kept."""

    answer: dict[str, Any] | None = None
    refused: Refused | None = None
    trouble: ForemanError | None = None  # why it is kept

    @property
    def kept(self) -> bool:
        return self.answer is None and self.refused is None


class Outbox:
    """Sends messages through the spool; several threads may use one."""

    def __init__(self, office: Office, spool: Spool, tell: Callable[[str], None]) -> None:
        self.office, self.spool, self.tell = office, spool, tell
        self.trouble: ForemanError | None = None
        self._mine: set[str] = set()
        self._outcomes: dict[str, Outcome] = {}
        self._late: list[Message] = []  # sent now and made before

    def send(self, message: Message, patience: float) -> Outcome:
        """Send a message after those that wait; return what became of it.

        After `patience` seconds without an answer it is kept for later.
        """
        self._mine.add(message.key)
        entry = self.spool.put(message)
        try:
            self.flush(patience)
            if outcome := self._outcomes.pop(message.key, None):
                return outcome
            if entry.exists():
                return Outcome(trouble=self.trouble)
            return self._sent_by_another(message.key)
        finally:
            self._mine.discard(message.key)

    def _sent_by_another(self, key: str) -> Outcome:
        """Return the answer that another process got for a message of this one."""
        found = self.spool.take_answer(key)
        if "refused" in found:
            return Outcome(refused=Refused(found["status"], found["refused"]))
        return Outcome(answer=found.get("answer", {}))

    def flush(self, patience: float = 0) -> bool:
        """Send all that waits; return whether nothing is left."""
        deadline, pause = time.monotonic() + patience, FIRST_PAUSE
        is_told = False
        while True:
            with self.spool.sending(deadline) as is_mine:
                if not is_mine:
                    self.trouble = Unreachable("Another process is sending what waits.")
                    return not self.spool.entries()
                is_done = self._send_waiting()
            if is_done or isinstance(self.trouble, Refused):
                return is_done
            wait = max(pause, self.spool.rest())
            left = deadline - time.monotonic()
            if wait >= left:
                return False
            if not is_told and left > LONG:
                is_told = True
                self.tell(f"{self.trouble} Trying for {left:.0f} s.")
            time.sleep(wait)
            pause = min(2 * pause, LAST_PAUSE)

    def _send_waiting(self) -> bool:
        """Send message by message until none is left or one has to wait."""
        self.trouble = None
        try:
            while entries := self.spool.entries():
                for entry in entries:
                    message = self.spool.read(entry)
                    if message and not self._send_one(entry, message):
                        return False
            return True
        finally:
            self._tell_of_late()

    def _send_one(self, entry: Path, message: Message) -> bool:
        """Send a message and remove it; return False if it has to wait."""
        if left := self.spool.rest():
            self.trouble = Unreachable(
                f"The office wants no request for {left:.0f} s.", retry_after=left
            )
            return False
        note = self.spool.note_of(entry)
        if message.kind != BEAT and time.time() - note.get("tried_at", time.time()) > REMEMBERED:
            self._refuse(entry, message, Refused(409, _may_have_arrived(note["tried_at"])))
            return True
        is_first_try = message.kind != BEAT and not note
        if is_first_try:
            note = {"tried_at": time.time()}
            self.spool.note(entry, note)
        try:
            answer = self.office.ask("POST", message.path, message.body, _headers(message))
            problem = answer.problem()
            accepted = None if problem else answer.json()
        except ForemanError as error:
            answer, problem, accepted = None, error, None
        if accepted is not None:
            self._accept(entry, message, accepted)
        elif isinstance(problem, Refused) and problem.status != TOKEN_REFUSED:
            self._refuse(entry, message, problem)
        else:
            if is_first_try and isinstance(problem, Unreachable) and not problem.arrived:
                self.spool.note(entry, {})
            return self._wait(entry, message, note, problem, answer)
        return True

    def _accept(self, entry: Path, message: Message, body: dict[str, Any]) -> None:
        if message.key in self._mine:
            self._outcomes[message.key] = Outcome(answer=body)
        else:
            self._late.append(message)
            if message.maker != os.getpid() and message.kind != BEAT:
                self.spool.leave_answer(message.key, {"answer": body})
        # Last: a kill before this sends the message again, with the same key.
        self.spool.remove(entry)

    def _refuse(self, entry: Path, message: Message, refusal: Refused) -> None:
        """Move a message aside that would never succeed."""
        if message.key in self._mine:
            self._outcomes[message.key] = Outcome(refused=refusal)
        elif message.maker != os.getpid():
            left = {"status": refusal.status, "refused": refusal.body}
            self.spool.leave_answer(message.key, left)
        aside = self.spool.put_aside(entry, message.about, str(refusal))
        if message.key not in self._mine:
            self.tell(words_of_aside(aside))

    def _wait(
        self,
        entry: Path,
        message: Message,
        note: dict[str, Any],
        problem: ForemanError | None,
        answer: Answer | None,
    ) -> bool:
        """Leave a message where it is; one at which only the office fails lets others pass."""
        self.trouble = problem
        if answer and answer.status == 500:
            note = {**note, "failures": note.get("failures", 0) + 1}
            if note["failures"] >= MOST_FAILURES:
                failed = f"The office failed at it {MOST_FAILURES} times (status 500)."
                body = {"errors": [{"field": None, "rule": "office_failed", "message": failed}]}
                self._refuse(entry, message, Refused(500, body))
                return True
            self.spool.note(entry, note)
        if isinstance(problem, Unreachable) and problem.retry_after:
            self.spool.rest_for(problem.retry_after)
        return False

    def _tell_of_late(self) -> None:
        late, self._late = self._late, []
        if late:
            since = time.strftime("%H:%M:%S", time.localtime(late[0].made_at))
            self.tell(f"Sent {counted(late)} kept since {since}.")

    def waiting(self) -> list[Message]:
        """Return the messages that wait."""
        found = []
        for entry in self.spool.entries():
            with suppress(ForemanError):
                if message := self.spool.read(entry):
                    found.append(message)
        return found


def _headers(message: Message) -> dict[str, str]:
    headers = {"Content-Type": message.content_type}
    # A beat has its own id in its body.
    return headers if message.kind == BEAT else {**headers, "Idempotency-Key": message.key}


def _may_have_arrived(tried_at: float) -> dict[str, Any]:
    at = time.strftime("%d %b %H:%M", time.localtime(tried_at))
    message = (
        f"It was sent on {at} and got no answer, so it may have arrived. The office would take it"
        " for another one by now: look at the task's page, and report it again if it is missing."
    )
    return {"errors": [{"field": None, "rule": "may_have_arrived", "message": message}]}


def words_of_aside(aside: Aside) -> str:
    return f"The office refused {aside.about}: {aside.reason} It is kept in {aside.file}."


def counted(messages: list[Message]) -> str:
    """Return how many of each kind there are: "2 heartbeats and 1 report"."""
    parts = []
    for kind, name in ((BEAT, "heartbeat"), (REPORT, "report")):
        number = sum(message.kind == kind for message in messages)
        if number:
            parts.append(f"{number} {name}{'' if number == 1 else 's'}")
    return " and ".join(parts)
