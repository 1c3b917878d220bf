"""A simulated builder: a client of its own that knows the office's address, its token, and HTTP.

Run it as `FOREMAN_TOKEN=fo_... python -m foreman_office.demo.builder ui-builder`.
"""

import argparse
import json
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from foreman_office.demo.script import Beat, script

IDLE = Beat("idle", 0, "Waiting for work", 2.0)
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


class Office:
    """The office as a builder sees it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = urlsplit(address)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def assignment(self) -> dict[str, Any] | None:
        """Return the task that this builder holds."""
        return self.ask("GET", "/api/assignment")["task"]

    def heartbeat(self, body: dict[str, Any]) -> None:
        self.ask("POST", "/api/heartbeat", body)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connect = HTTPSConnection if self.address.scheme == "https" else HTTPConnection
        host, port = self.address.hostname or "localhost", self.address.port
        with closing(connect(host, port, timeout=10)) as connection:
            connection.request(method, path, body and json.dumps(body), self.headers)
            answer = connection.getresponse()
            content = answer.read().decode()
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise Declined(answer.status, content)
        return json.loads(content)


class Worker:
    """Takes up what it is given, reports until it is done, and asks again."""

    def __init__(self, name: str, office: Office, seed: int) -> None:
        self.name, self.office, self.seed = name, office, seed
        self.task: dict[str, Any] | None = None
        self.beats: Iterator[Beat] = iter(())
        self.last = IDLE
        self.unsent: tuple[dict[str, Any], float] | None = None

    def work(self, pace: float) -> None:
        """Beat for ever; while the office is out of reach, try again less and less often."""
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
        """Send the next beat, and return the pause after it.

        A beat that got no answer goes out again under the same id: it may have arrived.
        """
        if self.unsent is None:
            beat = self.decide(self.office.assignment())
            self.unsent = self.report(beat), beat.pause
        body, pause = self.unsent
        try:
            self.office.heartbeat(body)
        except Declined as error:
            if error.final:
                self.unsent = None
            raise
        self.unsent = None
        return pause

    def decide(self, task: dict[str, Any] | None) -> Beat:
        if task is None:
            self.task, self.last = None, IDLE
            return IDLE
        if self.task is None or self.task["task_id"] != task["task_id"]:
            self.begin(task)
        self.task = task
        if task["state"] == "blocked":
            message = self.last.message if self.last.status == "blocked" else "Held up"
            self.last = Beat("blocked", self.last.progress, message, 1.5)
        else:
            # The script over, the work is done, and it is said until somebody takes the task back.
            self.last = next(self.beats, self.last._replace(status="active", pause=1.5))
        return self.last

    def begin(self, task: dict[str, Any]) -> None:
        """Begin a task, or go on with one from where an earlier run of this builder left it."""
        done = task["progress_percentage"]
        beats = script(self.seed, self.name, task)
        self.beats = (beat for beat in beats if beat.progress > done or not done)
        self.last = Beat("active", done, "Going on where the work was left", 1.0)

    def report(self, beat: Beat) -> dict[str, Any]:
        return {
            "heartbeat_id": str(uuid.uuid4()),
            "builder_id": self.name,
            "task_id": self.task and self.task["task_id"],
            "status": beat.status,
            "message": beat.message,
            "progress_percentage": beat.progress if self.task else None,
        }


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
