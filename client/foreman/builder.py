"""A builder at the office: who it is, its task, its heartbeats and its reports."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from foreman.config import Account, Identity, account, keep_identity, known_identity
from foreman.errors import ForemanError, Invalid, NotAnOffice, NoTask, Refused, Unreachable
from foreman.office import Office
from foreman.outbox import Outbox, Outcome
from foreman.reports import JSON, Report, note_reported
from foreman.spool import BEAT, REPORT, Message, Spool

MOST_OF_A_MESSAGE = 10_000  # characters
PATIENCE = 30.0  # seconds for a report to be answered before it is kept
PATIENCE_OF_BEATS = 3.0
LONGEST_POLL = 60.0
BETWEEN_BEATS = 20.0
FULL_PAUSE = 5.0


def tell_on_stderr(words: str) -> None:
    sys.stderr.write("".join(f"foreman: {line}\n" for line in words.splitlines()))
    sys.stderr.flush()


def patience_of_environment() -> float:
    """Return the seconds that FOREMAN_PATIENCE names, or -1."""
    try:
        return float(os.environ.get("FOREMAN_PATIENCE") or -1)
    except ValueError:
        raise Invalid("FOREMAN_PATIENCE is a number of seconds.") from None


class Builder:
    """Asks the office in the name of a token, and reports through the spool."""

    def __init__(
        self, account: Account, tell: Callable[[str], None] = tell_on_stderr, patience: float = -1
    ) -> None:
        self.account, self.tell = account, tell
        self.office = Office(*account)
        # For everything, if it is not negative.
        self.patience = patience if patience >= 0 else patience_of_environment()
        self.identity = known_identity(account)
        self.away: Unreachable | None = None  # why the identity is not of now
        self.told: dict[str, Any] | None = None  # the assigned task, as it was told last
        self._outbox: Outbox | None = None

    @classmethod
    def of_this_machine(cls, **more: Any) -> Builder:
        return cls(account(), **more)

    # --- reading ----------------------------------------------------------------------------------

    def assignment(self, wait: float = 0) -> dict[str, Any] | None:
        """Return the assigned task; wait for one so many seconds at most."""
        seconds = min(wait, LONGEST_POLL)
        query = f"?wait={seconds:.0f}" if seconds >= 1 else ""
        told = self.office.get(f"/api/assignment{query}", timeout=10 + seconds)
        if "builder_id" not in told or "task" not in told:
            raise NotAnOffice(f"{self.account.url} answers, but not as an office does.")
        task = told["task"]
        self.identity = Identity(
            told["builder_id"],
            task_id=task and task["task_id"],
            task_name=task["name"] if task else "",
            clock=round(self.office.clock),
        )
        self.away, self.told = None, task
        keep_identity(self.account, self.identity)
        return task

    def pull(self) -> dict[str, Any] | None:
        """Return the assigned task, or take the next one where a program allows that."""
        headers = {"Content-Type": JSON}
        answer = self.office.checked("POST", "/api/next", b"{}", headers)
        return None if answer.status == 204 else answer.json()["task"]

    def identify(self) -> Identity:
        """Return whose token this is; as the office told it last if it is away."""
        try:
            self.assignment()
        except Refused as refused:
            if refused.status != 403:
                raise
            self.identity = Identity.of_ci(self.account)
            keep_identity(self.account, self.identity)
        except Unreachable as away:
            if self.identity is None:
                raise
            self.away = away
        if self.identity is None:
            raise NotAnOffice("The office did not answer whose token this is.")
        return self.identity

    def task_id(self, given: str | None = None) -> str:
        """Return the task to report about: the one given, or the assigned one."""
        given = given or os.environ.get("FOREMAN_TASK")
        identity = self.identity or self.identify()
        task = given or identity.task_id
        if not task:
            if identity.is_ci:
                raise NoTask("A CI token has no task of its own: name one with --task.")
            raise NoTask(f"{identity.name} has no task.")
        return task

    # --- reporting --------------------------------------------------------------------------------

    @property
    def outbox(self) -> Outbox:
        """Return the way out; it is the same for all tokens of a builder."""
        if self._outbox is None:
            identity = self.identity or self.identify()
            spool = Spool(self.account.state / identity.name)
            self._outbox = Outbox(self.office, spool, self.tell)
        return self._outbox

    def beat(
        self,
        status: str = "active",
        message: str | None = None,
        progress: int | None = None,
        within: int | None = None,
        task_id: str | None = None,
        patience: float = PATIENCE_OF_BEATS,
        usage: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Send a heartbeat, or keep it for later. `usage` is what was used since the last one."""
        identity = self.identity or self.identify()
        key = str(uuid.uuid4())
        body: dict[str, Any] = {
            "heartbeat_id": key,
            "builder_id": identity.name,
            "task_id": task_id or identity.task_id,
            "status": status,
            "message": message and message.replace("\0", "")[:MOST_OF_A_MESSAGE],
            "progress_percentage": progress,
            "next_beat_within_seconds": within,
            # Its own time, by the office's clock: it may arrive much later.
            "timestamp": self.now().isoformat(),
        }
        if usage:  # which an office before this version would refuse
            body["usage"] = dict(usage)
        content = json.dumps(body).encode()
        return self._send(BEAT, "/api/heartbeat", JSON, content, key, "a heartbeat", patience)

    def report(self, task_id: str, report: Report, parameters: Mapping[str, Any] = {}) -> Outcome:
        """Report a run, or keep the report for later."""
        if report.says_all:
            parameters = {}
        note_reported(report.files)
        query = urlencode({name: value for name, value in parameters.items() if value is not None})
        path = f"/api/tasks/{task_id}/qa-runs" + (f"?{query}" if query else "")
        key, about = str(uuid.uuid4()), f"the report of a run for task {task_id}"
        return self._send(REPORT, path, report.content_type, report.body, key, about, PATIENCE)

    def _send(
        self,
        kind: str,
        path: str,
        content_type: str,
        body: bytes,
        key: str,
        about: str,
        patience: float,
    ) -> Outcome:
        message = Message(kind, path, content_type, body, key, about, time.time(), os.getpid())
        return self.outbox.send(message, patience if self.patience < 0 else self.patience)

    def now(self) -> datetime:
        """Return the time by the office's clock, as far as it is known."""
        ahead = self.office.clock or (self.identity.clock if self.identity else 0)
        return datetime.now(timezone.utc) + timedelta(seconds=ahead)

    # --- asking -----------------------------------------------------------------------------------

    def claim(self, task_id: str, evidence: str | None = None) -> dict[str, Any]:
        """Claim that the task is done; raise Refused with the unmet conditions."""
        return self.ask_about(task_id, "claim", {"evidence_location": evidence})

    def escalate(
        self,
        task_id: str,
        classification: str,
        description: str,
        attempts: Sequence[str] = (),
        last_error: str | None = None,
    ) -> dict[str, Any]:
        """Report what blocks the task."""
        body = {
            "classification": classification,
            "description": description,
            "attempts": list(attempts),
            "last_error": last_error,
        }
        return self.ask_about(task_id, "escalation", body)

    def validate(self, task_id: str, results: Mapping[str, Mapping[str, bool]]) -> dict[str, Any]:
        """Validate the architecture of the task, item by item."""
        return self.ask_about(task_id, "validations", {"validation_results": results})

    def link(self, task_id: str, kind: str, url: str, label: str = "") -> dict[str, Any]:
        """Add a link to the task: to a commit, pull-request, log or artefact."""
        return self.ask_about(task_id, "links", {"kind": kind, "url": url, "label": label})

    def note(self, task_id: str, text: str) -> dict[str, Any]:
        """Write a note on the task, in Markdown."""
        return self.ask_about(task_id, "notes", {"text": text})

    def ask(self, task_id: str, question: str, options: Sequence[str] = ()) -> dict[str, Any]:
        """Put a question to the foreman about the task; return it as the office took it."""
        body = {"question": question, "options": list(options)}
        return self.ask_about(task_id, "questions", body)

    def answer_to(self, asked: Mapping[str, Any], task_id: str, wait: float) -> dict[str, Any]:
        """Return a question as soon as it is answered or withdrawn, or after so many seconds.

        While it waits, heartbeats say so.
        """
        deadline, known = time.monotonic() + wait, ""
        path = f"/api/tasks/{task_id}/questions/{asked['question_id']}"
        found: dict[str, Any] = dict(asked)
        while found["state"] == "open" and (left := deadline - time.monotonic()) > 0:
            began = time.monotonic()
            self.beat("blocked", f"Waits for an answer: {asked['question']}", task_id=task_id)
            seconds = min(left, BETWEEN_BEATS)
            answer = self.office.ask(
                *("GET", f"/api/assignment?wait={seconds:.0f}"),
                headers={"If-None-Match": known} if known else {},
                timeout=10 + seconds,
            )
            if problem := None if answer.status == 304 else answer.problem():
                raise problem
            if answer.status != 304:
                known = answer.headers.get("ETag", "")
                found = self.office.get(path)
            elif time.monotonic() - began < min(left, FULL_PAUSE):
                time.sleep(min(left, FULL_PAUSE))  # the office does not keep questions waiting
        return found

    def ask_about(self, task_id: str, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send what needs an answer now, after what waits; retry it under one key."""
        patience = PATIENCE if self.patience < 0 else self.patience
        if not self.outbox.flush(patience):
            trouble = self.outbox.trouble or ForemanError("Another process is sending.")
            if isinstance(trouble, Refused):
                raise trouble
            raise Unreachable(f"{trouble} What waits is sent first, so this was not sent.")
        headers = {"Content-Type": JSON, "Idempotency-Key": str(uuid.uuid4())}
        content = json.dumps({k: v for k, v in body.items() if v is not None}).encode()
        path = f"/api/tasks/{task_id}/{what}"
        deadline, pause = time.monotonic() + patience, 0.5
        while True:
            try:
                return self.office.checked("POST", path, content, headers).json()
            except Unreachable as away:
                wait = max(pause, away.retry_after)
                if time.monotonic() + wait >= deadline:
                    raise
            time.sleep(wait)
            pause *= 2
