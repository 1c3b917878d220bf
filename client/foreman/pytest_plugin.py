"""`pytest --foreman`: heartbeats while the tests run, and the report of the run at its end.

pytest's own JUnit XML is what is sent, so that the tests have the names that `foreman run` gives
them. The exit status of pytest is never changed.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from foreman.builder import Builder
    from foreman.pulse import Pulse

NAME = "foreman-report"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("foreman")
    group.addoption(
        "--foreman",
        action="store_true",
        help="report this run to Foreman Office (docs/builders.md)",
    )
    group.addoption(
        "--foreman-task", metavar="ID", help="report about another task than the assigned one"
    )


# Before pytest's own, which looks at the option that is set here.
@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # A worker of xdist reports to its controller; `foreman run` reports what it runs itself.
    is_worker = hasattr(config, "workerinput")
    if not config.getoption("foreman") or is_worker or "FOREMAN_RUN" in os.environ:
        return
    if config.getoption("collectonly", False):
        return
    config.pluginmanager.register(Reporting(config), NAME)


class Reporting:
    """One run of pytest, on its way to the office."""

    def __init__(self, config: pytest.Config) -> None:
        self.ours: tempfile.TemporaryDirectory[str] | None = None
        if not config.option.xmlpath:
            self.ours = tempfile.TemporaryDirectory(prefix="foreman-pytest-")
            config.option.xmlpath = os.path.join(self.ours.name, "junit.xml")
        self.file = Path(config.option.xmlpath).expanduser()
        self.task: str | None = config.getoption("foreman_task")
        self.said: list[str] = []
        self.is_interrupted = False
        self.number = self.done = 0
        self.builder: Builder | None = None
        self.pulse: Pulse | None = None

    # --- hooks ------------------------------------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        from foreman.errors import ForemanError

        try:
            self._begin()
        except ForemanError as error:
            self.said.append(str(error))

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        self.number = len(items)

    def pytest_runtest_logfinish(self) -> None:
        self.done += 1
        if self.pulse:  # the next heartbeat says so
            of_all = f" of {self.number}" if self.number else ""
            self.pulse.said["message"] = f"Running tests: {self.done}{of_all} done"

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        # pytest also calls it an interruption that a module could not be collected.
        self.is_interrupted = type(excinfo.value) is KeyboardInterrupt

    # After pytest's own, which writes the file.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        from foreman.errors import ForemanError

        try:
            if self.pulse:
                self.pulse.stop()
            if self.builder:
                self._report(self.builder, int(exitstatus))
        except ForemanError as error:
            self.said.append(str(error))
        finally:
            if self.ours:
                self.ours.cleanup()

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        for words in self.said:
            for line in words.splitlines():
                terminalreporter.write_line(f"foreman: {line}")

    # --- work -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        from foreman.builder import Builder
        from foreman.pulse import Pulse

        builder = Builder.of_this_machine(tell=self.said.append)
        identity = builder.identify()
        if builder.away:
            self.said.append(f"{builder.away} The report is kept for later.")
        self.builder, self.task = builder, builder.task_id(self.task)
        if not identity.is_ci:
            self.pulse = Pulse(builder, self.task, 20, self.said.append)
            self.pulse.said["message"] = "Running tests"
            self.pulse.start()

    def _report(self, builder: Builder, status: int) -> None:
        from foreman import words
        from foreman.reports import read_report

        if self.is_interrupted:
            self.said.append("pytest was interrupted: its run is not reported.")
            return
        if not self.file.exists():
            self.said.append(f"{self.file} was not written: nothing is reported.")
            return
        assert self.task is not None  # noqa: S101  else there is no builder
        parameters = {"exit_code": status}
        self.said.append(
            words.of_report(builder.report(self.task, read_report([self.file]), parameters))
        )
