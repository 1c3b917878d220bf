"""The Python API: a task to work on, with heartbeats from a thread meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from foreman.builder import Builder
from foreman.errors import NoTask, Unreachable
from foreman.outbox import Outcome
from foreman.pulse import Pulse
from foreman.reports import read_report

AGAIN = 5.0  # seconds


class Task:
    """The assigned task; as a context it sends heartbeats until the block ends.

    What cannot be sent is kept on disk and sent later, in order, each once.
    """

    def __init__(self, builder: Builder, told: Mapping[str, Any], every: float) -> None:
        self.builder, self.told = builder, told
        self.id: str = told["task_id"]
        self.name: str = told.get("name", "")
        self.instruction: str = told.get("instruction", "")
        self._pulse = Pulse(builder, self.id, every, builder.tell)

    def __enter__(self) -> Task:
        self._pulse.said["message"] = "Working"
        self._pulse.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._pulse.beat(message=f"Stopped by {type(error).__name__}: {error}")
        self._pulse.stop()

    def progress(self, percentage: int, message: str | None = None) -> None:
        """Send a heartbeat with the progress; the later ones repeat both."""
        self._pulse.beat(progress=percentage, message=message or f"{percentage} % done")

    def say(self, message: str) -> None:
        """Send a heartbeat that says what is being done."""
        self._pulse.beat(message=message)

    def report(
        self,
        *files: str | os.PathLike[str],
        exit_code: int | None = None,
        test_debt_count: int | None = None,
        lint: str | None = None,
    ) -> Outcome:
        """Report a run from the files of the runner; raise Refused if the office refuses it."""
        parameters = {"exit_code": exit_code, "test_debt_count": test_debt_count, "lint": lint}
        found = read_report([Path(file) for file in files])
        outcome = self.builder.report(self.id, found, parameters)
        if outcome.refused:
            raise outcome.refused
        return outcome

    def claim(self, evidence: str | None = None) -> dict[str, Any]:
        """Claim that the task is done; raise Refused with the `unmet` conditions."""
        return self.builder.claim(self.id, evidence)

    def escalate(
        self,
        classification: str,
        description: str,
        attempts: Sequence[str] = (),
        last_error: str | None = None,
    ) -> dict[str, Any]:
        """Report what blocks the task."""
        return self.builder.escalate(self.id, classification, description, attempts, last_error)

    def link(self, kind: str, url: str, label: str = "") -> dict[str, Any]:
        """Add a link to the task: to a commit, pull-request, log or artefact."""
        return self.builder.link(self.id, kind, url, label)

    def note(self, text: str) -> dict[str, Any]:
        """Write a note on the task, in Markdown."""
        return self.builder.note(self.id, text)

    def ask(self, question: str, options: Sequence[str] = (), wait: float = 0) -> dict[str, Any]:
        """Put a question to the foreman; wait so many seconds for its `option` and `text`."""
        asked = self.builder.ask(self.id, question, options)
        return self.builder.answer_to(asked, self.id, wait)

    def validate(self, results: Mapping[str, Mapping[str, bool]]) -> dict[str, Any]:
        return self.builder.validate(self.id, results)


def task(wait: float = 0, every: float = 20, builder: Builder | None = None) -> Task:
    """Return the assigned task; wait for one so many seconds, then raise NoTask.

    While the office is away, it is the task that the office told last.
    """
    builder = builder or Builder.of_this_machine()
    deadline = time.monotonic() + wait
    while True:
        began = time.monotonic()
        told: Mapping[str, Any] | None = None
        try:
            told = builder.assignment(wait=deadline - began)
        except Unreachable:
            known = builder.identity
            if known is None:
                raise
            if known.task_id:
                told = {"task_id": known.task_id, "name": known.task_name}
        if told:
            return Task(builder, told, every)
        now = time.monotonic()
        if now >= deadline:
            raise NoTask("The builder has no task.")
        if now - began < AGAIN:  # the office did not keep the question waiting
            time.sleep(min(AGAIN, deadline - now))
