"""A simulated builder: it works with the builders' client, as a builder of one's own does.

Run it as `FOREMAN_TOKEN=fo_... python -m foreman_office.simulation.builder ui-builder`.
"""

import argparse
import logging
import os
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import dropwhile
from typing import Any
from xml.etree import ElementTree

from foreman.builder import Builder
from foreman.config import Account
from foreman.errors import ForemanError, Refused
from foreman.outbox import Outcome
from foreman.reports import XML, Report

from foreman_office.simulation.script import (
    BeatStep,
    EscalationStep,
    QuestionStep,
    RunStep,
    Step,
    in_earnest,
    script,
    suite_tests,
    used,
)

IDLE = BeatStep("idle", 0, "Waiting for work", 2.0)
LONGEST_WAIT = 15.0  # seconds between two attempts to reach the office

log = logging.getLogger("builder")


def client_for(address: str, token: str) -> Builder:
    """Return the client of whoever has this token of a builder or of CI."""
    return Builder(Account(address.rstrip("/"), token))


class SimulatedBuilder:
    """Takes assigned tasks, builds each to green, claims it, and asks for the next."""

    def __init__(self, name: str, builder: Builder, seed: int) -> None:
        self.name, self.builder, self.seed = name, builder, seed
        self.task: dict[str, Any] | None = None
        self.steps: Iterator[Step] = iter(())
        self.last = IDLE
        self.step: Step | None = None  # that got no answer yet

    def work(self, pace: float) -> None:
        """Work for ever; while the office is unreachable, retry less and less often."""
        failures = 0
        while True:
            try:
                pause = self.turn() * pace
                failures = 0
            except ForemanError as error:
                failures += 1
                pause = min(LONGEST_WAIT, 2.0**failures / 4)
                log.warning("%s: %s. Trying again in %.1f s.", self.name, error, pause)
            time.sleep(pause)

    def turn(self) -> float:
        """Take the next step, and return the pause after it.

        Heartbeats and reports that get no answer are kept by the client, which sends them first
        when the office is back.
        """
        if self.step is None:
            self.step = self.decide(self.builder.assignment())
        step = self.step
        try:
            outcome = self.take(step)
            refused = outcome and outcome.refused
        except Refused as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise
            refused = error
        if refused:
            # The office has its reasons; what it asks for is in the next instruction.
            log.info("%s: %s", self.name, refused)
        self.step = None
        return step.pause

    def decide(self, task: dict[str, Any] | None) -> Step:
        if task is None:
            self.task, self.last = None, IDLE
            return IDLE
        if self.task is None or self.task["task_id"] != task["task_id"]:
            self.begin(task)
        self.task = task
        if task["state"] == "blocked":
            self.last = BeatStep("blocked", self.last.progress, "Held up", 1.5)
            return self.last
        if task["state"] == "assigned" and self.last.status == "active" and self.last.progress:
            # Its wave or program did not let it begin: every beat asks again.
            return self.last
        step = next(self.steps, None)
        if step is None:
            # The claim was refused: the suite is run again, and the claim made again.
            self.steps = in_earnest(self.seed, facts(task))
            step = self.last._replace(status="active", pause=1.5)
        if isinstance(step, BeatStep):
            self.last = step
        return step

    def begin(self, task: dict[str, Any]) -> None:
        """Begin a task, or continue one where an earlier run of this builder left it."""
        done = task["progress_percentage"]
        steps = script(self.seed, self.name, facts(task))
        self.steps = dropwhile(
            lambda step: done and not (isinstance(step, BeatStep) and step.progress > done), steps
        )
        self.last = BeatStep("active", done, "Going on where the work was left", 1.0)

    def take(self, step: Step) -> Outcome | None:
        """Send a step to the office; return what became of a heartbeat or a report."""
        task = self.task
        if isinstance(step, BeatStep):
            if task is None:
                return self.builder.beat(step.status, step.message)
            usage = used(self.seed, facts(task), step.progress) if step.status == "active" else None
            return self.builder.beat(step.status, step.message, step.progress, usage=usage)
        assert task is not None  # noqa: S101  only beats are sent with empty hands
        key = task["task_id"]
        if isinstance(step, RunStep):
            return self.builder.report(key, junit(suite_tests(self.seed, facts(task)), step))
        if isinstance(step, EscalationStep):
            trouble = {name: value for name, value in step._asdict().items() if name != "pause"}
            self.builder.escalate(key, **trouble)
        elif isinstance(step, QuestionStep):
            self.builder.ask(key, step.question, step.options)
        else:
            self.builder.claim(key, task["evidence_location"] or f"evidence/{key}.md")
        return None


def facts(task: Mapping[str, Any]) -> dict[str, str]:
    """Return what the script needs to know of an instruction."""
    return {
        "task_id": task["task_id"],
        "architecture_reference": task["architecture"]["reference"],
        "qa_suite_location": task["suite"]["location"],
    }


def junit(tests: list[str], run: RunStep) -> Report:
    """Return the report of a run as a test runner would write it."""
    shown = tests[: len(tests) - run.hidden]
    report = ElementTree.Element("testsuite", tests=str(len(shown)))
    for number, test in enumerate(shown):
        place, _, name = test.partition("::")
        case = ElementTree.SubElement(
            report, "testcase", classname=place, name=name, time=f"0.0{number % 7 + 1}"
        )
        if number >= run.passing:
            ElementTree.SubElement(case, "failure", message="AssertionError: not built yet")
    return Report(XML, ElementTree.tostring(report, encoding="utf-8", xml_declaration=True))


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated builder; its token: FOREMAN_TOKEN.")
    parser.add_argument("builder")
    parser.add_argument("--office", default="http://localhost:8000")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same work")
    parser.add_argument("--pace", type=float, default=1.0, help="0.1 is ten times as fast")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    builder = client_for(options.office, os.environ["FOREMAN_TOKEN"])
    SimulatedBuilder(options.builder, builder, options.seed).work(options.pace)


if __name__ == "__main__":
    main()
