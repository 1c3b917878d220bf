"""A simulated builder: a client of its own that knows the office's address, its token, and HTTP.

Run it as `FOREMAN_TOKEN=fo_... python -m foreman_office.demo.builder ui-builder`.
"""

import argparse
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import dropwhile
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

from foreman_office.demo.script import (
    Beat,
    Escalation,
    Run,
    Step,
    in_earnest,
    script,
    suite,
)

IDLE = Beat("idle", 0, "Waiting for work", 2.0)
JSON, XML = "application/json", "application/xml"
LONGEST_WAIT = 15.0  # seconds between two attempts to reach the office

log = logging.getLogger("builder")


class Declined(Exception):
    """The office answered, and its answer was no."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status} {words[:200]}")
        # It will say no again to the same words; to a stranger or on a bad day it may not.
        self.final = status in (
            HTTPStatus.NOT_FOUND,
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        )


class Message(NamedTuple):
    """What is to be sent, however often, and the seconds to let pass once it has arrived."""

    path: str
    content: bytes
    media: str
    key: str
    pause: float


class Office:
    """The office as a builder sees it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = urlsplit(address)
        self.token = token

    def assignment(self) -> dict[str, Any] | None:
        """Return the instruction for the task that this builder holds."""
        return json.loads(self.ask("GET", "/api/assignment"))["task"]

    def post(self, message: Message) -> None:
        headers = {"Content-Type": message.media, "Idempotency-Key": message.key}
        self.ask("POST", message.path, message.content, headers)

    def ask(
        self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] = {}
    ) -> str:
        connect = HTTPSConnection if self.address.scheme == "https" else HTTPConnection
        host, port = self.address.hostname or "localhost", self.address.port
        with closing(connect(host, port, timeout=10)) as connection:
            connection.request(
                method, path, content, {"Authorization": f"Bearer {self.token}", **headers}
            )
            answer = connection.getresponse()
            said = answer.read().decode()
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise Declined(answer.status, said)
        return said


class Worker:
    """Takes up what it is given, builds it to green, claims it, and asks again."""

    def __init__(self, name: str, office: Office, seed: int) -> None:
        self.name, self.office, self.seed = name, office, seed
        self.task: dict[str, Any] | None = None
        self.steps: Iterator[Step] = iter(())
        self.last = IDLE
        self.unsent: Message | None = None

    def work(self, pace: float) -> None:
        """Go on for ever; while the office is out of reach, try again less and less often."""
        failures = 0
        while True:
            try:
                pause = self.turn() * pace
                failures = 0
            except (OSError, HTTPException, Declined) as error:
                failures += 1
                pause = min(LONGEST_WAIT, 2.0**failures / 4)
                log.warning("%s: %s. Trying again in %.1f s.", self.name, error, pause)
            time.sleep(pause)

    def turn(self) -> float:
        """Take the next step, and return the pause after it.

        What got no answer goes out again under the same key: it may have arrived.
        """
        if self.unsent is None:
            self.unsent = self.message(self.decide(self.office.assignment()))
        message = self.unsent
        try:
            self.office.post(message)
        except Declined as error:
            if not error.final:
                raise
            # The office has its reasons; what it asks for is in the next instruction.
            log.info("%s: %s", self.name, error)
        self.unsent = None
        return message.pause

    def decide(self, task: dict[str, Any] | None) -> Step:
        if task is None:
            self.task, self.last = None, IDLE
            return IDLE
        if self.task is None or self.task["task_id"] != task["task_id"]:
            self.begin(task)
        self.task = task
        if task["state"] == "blocked":
            self.last = Beat("blocked", self.last.progress, "Held up", 1.5)
            return self.last
        if task["state"] == "assigned" and self.last.status == "active" and self.last.progress:
            # Its wave or program did not let it begin: every beat asks again.
            return self.last
        step = next(self.steps, None)
        if step is None:
            # The claim was refused: the suite is run again, and the claim made again.
            self.steps = in_earnest(self.seed, facts(task))
            step = self.last._replace(status="active", pause=1.5)
        if isinstance(step, Beat):
            self.last = step
        return step

    def begin(self, task: dict[str, Any]) -> None:
        """Begin a task, or go on with one from where an earlier run of this builder left it."""
        done = task["progress_percentage"]
        steps = script(self.seed, self.name, facts(task))
        self.steps = dropwhile(
            lambda step: done and not (isinstance(step, Beat) and step.progress > done), steps
        )
        self.last = Beat("active", done, "Going on where the work was left", 1.0)

    def message(self, step: Step) -> Message:
        """Put a step into the words of the office."""
        key = str(uuid.uuid4())
        if isinstance(step, Beat):
            beat = {
                "heartbeat_id": key,
                "builder_id": self.name,
                "task_id": self.task and self.task["task_id"],
                "status": step.status,
                "message": step.message,
                "progress_percentage": step.progress if self.task else None,
            }
            return Message("/api/heartbeat", json.dumps(beat).encode(), JSON, key, step.pause)
        task = self.task
        assert task is not None  # noqa: S101  only beats are sent with empty hands
        path = f"/api/tasks/{task['task_id']}"
        if isinstance(step, Run):
            report = junit(suite(self.seed, facts(task)), step)
            return Message(f"{path}/qa-runs", report, XML, key, step.pause)
        if isinstance(step, Escalation):
            trouble = {name: value for name, value in step._asdict().items() if name != "pause"}
            content = json.dumps(trouble).encode()
            return Message(f"{path}/escalation", content, JSON, key, step.pause)
        evidence = task["evidence_location"] or f"evidence/{task['task_id']}.md"
        content = json.dumps({"evidence_location": evidence}).encode()
        return Message(f"{path}/claim", content, JSON, key, step.pause)


def facts(task: Mapping[str, Any]) -> dict[str, str]:
    """Take from an instruction what the script speaks of."""
    return {
        "task_id": task["task_id"],
        "architecture_reference": task["architecture"]["reference"],
        "qa_suite_location": task["suite"]["location"],
    }


def junit(tests: list[str], run: Run) -> bytes:
    """Write the report of a run as a test runner would."""
    shown = tests[: len(tests) - run.hidden]
    report = ElementTree.Element("testsuite", name="simulation", tests=str(len(shown)))
    for number, test in enumerate(shown):
        place, _, name = test.partition("::")
        case = ElementTree.SubElement(
            report, "testcase", classname=place, name=name, time=f"0.0{number % 7 + 1}"
        )
        if number >= run.passing:
            ElementTree.SubElement(case, "failure", message="AssertionError: not built yet")
    return ElementTree.tostring(report, encoding="utf-8", xml_declaration=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated builder; its token: FOREMAN_TOKEN.")
    parser.add_argument("builder")
    parser.add_argument("--office", default="http://localhost:8000")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same work")
    parser.add_argument("--pace", type=float, default=1.0, help="0.1 is ten times as fast")
    options = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    office = Office(options.office, os.environ["FOREMAN_TOKEN"])
    Worker(options.builder, office, options.seed).work(options.pace)


if __name__ == "__main__":
    main()
