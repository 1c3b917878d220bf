"""`foreman run`: heartbeats while a command runs, and the report of the run that it made."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from shlex import quote
from types import FrameType
from typing import Any, NamedTuple

from foreman import words
from foreman.builder import Builder
from foreman.errors import ForemanError, NoTask, Unreachable
from foreman.outbox import Outcome
from foreman.pulse import Pulse
from foreman.reports import (
    JSON,
    LEDGER,
    Report,
    Watch,
    is_pytest,
    is_surely_pytest,
    mark_of,
    named_by,
    read_report,
    reported_by_others,
)

NOT_FOUND, NOT_EXECUTABLE, SIGNALLED = 127, 126, 128
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SECRET = re.compile(r"(?i)(\S*(?:token|secret|password|passwd|api-?key)\S*?[= ])\S+")
MOST_OF_A_COMMAND = 200  # characters


class Options(NamedTuple):
    every: float = 20
    reports: Sequence[str] = ()
    task: str | None = None
    message: str | None = None
    parameters: dict[str, Any] = {}


class Run:
    """One command, what it has made, and how it ended."""

    def __init__(self, builder: Builder, command: Sequence[str], options: Options) -> None:
        self.builder, self.command, self.options = builder, list(command), options
        self.directory = Path.cwd()
        self.environ = {k: v for k, v in os.environ.items() if k != "FOREMAN_RUN"}
        self.is_interrupted = False
        self.is_told = False  # pytest, to write a report that nobody else asked for
        self.reported: Outcome | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []  # signals that came before there was a child

    def to_its_end(self) -> int:
        """Run the command, report what it has made, and return its exit status."""
        task_id = self._task_id()
        if task_id:
            self.environ["FOREMAN_TASK"] = task_id
        with tempfile.TemporaryDirectory(prefix="foreman-run-") as ours:
            watch = self._watch(Path(ours) / "junit.xml")
            self.ledger = Path(ours) / "reported"
            self.environ[LEDGER] = str(self.ledger)
            if watch.globs or watch.expected:  # pytest's plug-in leaves it to this process
                self.environ["FOREMAN_RUN"] = "1"
            pulse = self._pulse(task_id)
            with self._passing_signals_on():
                status = self._run_command(pulse)
            try:
                if pulse:
                    pulse.stop()
                self._report(task_id, watch, status)
            except ForemanError as error:
                self.builder.tell(str(error))
            except KeyboardInterrupt:
                self.builder.tell("Interrupted. What was not sent is kept for later.")
        return status

    def _task_id(self) -> str | None:
        try:
            self.builder.identify()
            if self.builder.away:
                self.builder.tell(f"{self.builder.away} Heartbeats are kept for later.")
            return self.builder.task_id(self.options.task)
        except (Unreachable, NoTask) as error:
            self.builder.tell(f"{error} The command runs all the same.")
            return self.options.task or os.environ.get("FOREMAN_TASK")

    def _watch(self, ours: Path) -> Watch:
        """Look at the reports that are there; pytest is told to write one if nobody has."""
        expected: list[Path] = []
        if not self.options.reports:
            expected = named_by(self.command, self.environ, self.directory)
            if not expected and is_pytest(self.command):
                options = self.environ.get("PYTEST_ADDOPTS", "")
                self.environ["PYTEST_ADDOPTS"] = f"{options} --junitxml={quote(str(ours))}".strip()
                expected, self.is_told = [ours], True
        return Watch(self.directory, expected, self.options.reports)

    def _pulse(self, task_id: str | None) -> Pulse | None:
        identity = self.builder.identity
        if identity is None or identity.is_ci:
            return None
        pulse = Pulse(self.builder, task_id, self.options.every, self.builder.tell)
        pulse.said["message"] = self.options.message or f"Running: {shown(self.command)}"
        return pulse

    # --- the command ------------------------------------------------------------------------------

    def _run_command(self, pulse: Pulse | None) -> int:
        try:
            self._child = subprocess.Popen(self.command, env=self.environ)
        except FileNotFoundError:
            self.builder.tell(f"{self.command[0]}: command not found")
            return NOT_FOUND
        except OSError as error:
            self.builder.tell(f"{self.command[0]}: {error.strerror}")
            return NOT_EXECUTABLE
        for number in self._early:
            self._child.send_signal(number)
        if pulse:
            pulse.start()
        code = self._child.wait()
        return code if code >= 0 else SIGNALLED - code

    @contextmanager
    def _passing_signals_on(self) -> Iterator[None]:
        before = {}
        for name in PASSED_ON:
            number = getattr(signal, name)
            # What is ignored (nohup, a shell's "&") is so for the command as well.
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, self._pass_on)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.is_interrupted |= number in INTERRUPTS
        # Ctrl-C and Ctrl-\ of a terminal reach the command by themselves.
        if number in (signal.SIGINT, signal.SIGQUIT) and is_in_foreground():
            return
        if self._child is None:
            self._early.append(number)
        else:
            self._child.send_signal(number)

    # --- the report -------------------------------------------------------------------------------

    def _report(self, task_id: str | None, watch: Watch, status: int) -> None:
        if status in (NOT_FOUND, NOT_EXECUTABLE) and self._child is None:
            return
        if self.is_interrupted:
            self.builder.tell("The command was interrupted: its run is not reported.")
            return
        report = self._made(watch, status)
        if report is None:
            return
        if not task_id:
            task_id = self.builder.task_id(self.options.task)
        parameters = {**self.options.parameters, "exit_code": status}
        self.reported = self.builder.report(task_id, report, parameters)
        self.builder.tell(words.of_report(self.reported))

    def _made(self, watch: Watch, status: int) -> Report | None:
        """Return what the command has written; that it failed, if it should have and did not."""
        others = reported_by_others(self.ledger)
        files = [file for file in watch.made() if str(mark_of(file)) not in others]
        if len({file.parent for file in files}) > 1 and not watch.globs:
            names = ", ".join(str(file.relative_to(self.directory)) for file in files[:5])
            self.builder.tell(
                f"Reports in several directories were written ({names}): none is reported. Name"
                " those of the suite with --report."
            )
            return None
        if files:
            return read_report(files)
        named = watch.globs or [str(file) for file in watch.expected]
        if named and others:
            return None
        if named and status and (not self.is_told or is_surely_pytest(self.command)):
            return wrote_nothing(status, self.builder.now())
        if named:
            self.builder.tell(f"{named[0]} was not written by this command: nothing is reported.")
        else:
            self.builder.tell(
                "No report of a test runner was written: nothing is reported. If this was a run"
                " of the suite, name its report with --report FILE."
            )
        return None


def wrote_nothing(status: int, at: datetime) -> Report:
    """Return a run that failed as a whole, in the office's own form."""
    failed = f"The command ended with {status} and wrote no report."
    body = {
        "passing": 0,
        "failing": 0,
        "suite_failed": failed,
        "exit_code": status,
        "executed_at": at.isoformat(),
    }
    return Report(JSON, json.dumps(body).encode(), says_all=True)


def shown(command: Sequence[str]) -> str:
    """Return a command for people, without what looks like a secret."""
    text = SECRET.sub(r"\1***", " ".join(command))
    return text if len(text) <= MOST_OF_A_COMMAND else f"{text[: MOST_OF_A_COMMAND - 1]}…"


def is_in_foreground() -> bool:
    """Return whether a terminal sends its signals to us and to our children."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        try:
            if os.isatty(stream.fileno()):
                return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
        except (OSError, ValueError, AttributeError):
            continue
    return False
