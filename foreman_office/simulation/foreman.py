"""A simulated foreman: a client that knows the office's address, a login and a CI token, and HTTP.

It reads the exports of lists and the API, and acts by the forms of pages and the API: as a script
of a real foreman would. It remembers nothing but the number of the first release that has not
ended, so it can stop and continue at any moment, and it treats what a visitor does meanwhile like
any other change.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any

from foreman.builder import Builder
from foreman.errors import ForemanError, Refused

from foreman_office.simulation.builder import facts, junit
from foreman_office.simulation.history import settle_history
from foreman_office.simulation.pages import Declined, Pages, hidden_fields
from foreman_office.simulation.script import RunStep, suite_tests

RELEASE = Path(__file__).with_name("plan.yaml")
NAME = "Island Line booking - release {}"
RESOLUTIONS = {
    "architecture_qa_mismatch": "Architecture and suite read side by side; the field was added to"
    " the architecture.",
    "impossible_requirements": "The younger of the two criteria was withdrawn.",
    "protected_path": "The change was cut so that it stays outside the protected path.",
    "repeated_failures": "The failing tests were reviewed; the work continues.",
}
PATIENCE_WITH_QUESTIONS = 20  # seconds
UUID_LENGTH = 36
LOST = 60  # seconds after which a builder that fell silent is not waited for any more

type JsonRow = dict[str, Any]  # of an export, or an answer of the API
type DueAct = Callable[[], object]

log = logging.getLogger(__name__)


class Foreman:
    def __init__(self, seed: int, pages: Pages, reports: Builder, pace: float = 1.0) -> None:
        self.seed, self.pages, self.reports, self.pace = seed, pages, reports, pace
        self.number = 1
        self.builders: dict[str, JsonRow] = {}

    def work(self) -> None:
        """Decide for ever."""
        history_is_settled = False
        while True:
            acted = False
            try:
                if not history_is_settled:
                    settle_history(self.pages)
                    history_is_settled = True
                acted = self.turn()
            except (OSError, HTTPException, Declined, ForemanError) as error:
                # The office is away, a visitor has removed what was to be decided about, or the
                # login is refused.
                log.warning("The simulated foreman could not act: %s", error)
                time.sleep(2)
            time.sleep((0.5 if acted else 1.0) * self.pace)

    def turn(self) -> bool:
        """Do the first thing that is due and not refused; return whether there was one."""
        # Before the tasks: what a builder takes up in between is not taken for lost.
        rows = self.pages.export("/builders/")
        self.builders = {row["builder_id"]: row for row in rows}
        for program, tasks in self.releases():
            for do in self.due(program, tasks):
                try:
                    do()
                except (Declined, Refused) as refused:
                    log.info("The simulated foreman was refused: %s", refused)
                else:
                    return True
        return False

    # --- what there is ----------------------------------------------------------------------------

    def task(self, key: str) -> JsonRow:
        """Return a task as it stands, with the conditions of its next state."""
        return self.reports.office.get(f"/api/tasks/{key}")

    def releases(self) -> Iterator[tuple[JsonRow, list[JsonRow]]]:
        """Yield the releases under way with their tasks.

        One that has completed a wave makes room for the next.
        """
        for number in count(self.number):
            program = self.release(number)
            if program["state"] not in ("completed", "failed"):
                tasks = self.pages.export("/tasks/", program=program["program_id"], sort="name")
                yield program, tasks
                if all(task["wave_state"] != "completed" for task in tasks):
                    return
            elif number == self.number:
                self.number += 1

    def release(self, number: int) -> JsonRow:
        """Return the program of a release, planned now if it was not."""
        name = NAME.format(number)
        for plan in (self.plan_release, None):
            for row in self.pages.export("/programs/", q=name):
                if row["program"] == name:
                    return row
            if plan:
                plan(number)
        raise Declined(HTTPStatus.NOT_FOUND, f"“{name}” is imported, and no program has this name.")

    def plan_release(self, number: int) -> None:
        """Import the plan of a release, as it was previewed."""
        address, plan = "/plans/import/", RELEASE.read_text().replace("$number", str(number))
        preview = self.pages.upload(address, "file", RELEASE.name, plan.encode())
        self.pages.post(address, {"plan": hidden_fields(preview.text)["plan"]})

    # --- what is due ------------------------------------------------------------------------------

    def due(self, program: JsonRow, tasks: list[JsonRow]) -> Iterator[DueAct]:
        states = {program["state"], *(task["wave_state"] for task in tasks)}
        if "planned" in states:
            yield from self.plans_due(program)
        if program["state"] != "in-progress":
            return
        yield from self.answers_due(program)
        under_way = [task for task in tasks if task["wave_state"] == "in-progress"]
        for task in sorted(under_way, key=lambda task: task["wave_sequence_number"]):
            if builder := self.builders.get(task["builder"]):
                yield from self.task_due(task, builder)

    def plans_due(self, program: JsonRow) -> Iterator[DueAct]:
        """Approve and start what the inbox says waits for it, so that nothing is refused.

        Waves and program end by themselves, with the last task.
        """
        for decision in self.pages.export("/decisions/", program=program["program_id"]):
            if decision["kind"] == "plan":
                yield self.act(f"/programs/{decision['entity_id']}/approve/")
            if decision["kind"] == "wave":
                yield self.act(f"/waves/{decision['entity_id']}/start/")

    def answers_due(self, program: JsonRow) -> Iterator[DueAct]:
        """Answer questions of builders, which a visitor has time to answer before."""
        asked = {"program": program["program_id"], "kind": "question"}
        for decision in self.pages.export("/decisions/", **asked):
            if self.has_waited(decision["since"], PATIENCE_WITH_QUESTIONS):
                question = decision["key"][-UUID_LENGTH:]
                yield self.act(f"/builders/questions/{question}/answer/", option="0")

    def task_due(self, row: JsonRow, builder: JsonRow) -> Iterator[DueAct]:
        key = row["task_id"]
        match row["state"]:
            case "planned" if builder["verdict"] == "idle":
                yield from self.before_work(self.task(key), builder)
            case "assigned" | "in-progress" if builder["task_id"] != key:
                yield from self.not_held(self.task(key))
            case "blocked":
                yield from self.under_blockers(self.task(key))
            case "failed":
                yield self.release_task(key)

    def before_work(self, task: JsonRow, builder: JsonRow) -> Iterator[DueAct]:
        """Yield acts that validate the architecture, show the suite red, then assign the task."""
        unmet = {condition["rule"] for condition in task["assignment"] if not condition["met"]}
        if "architecture_ready" in unmet:
            validated_at = task["architecture"]["validated_at"]
            if validated_at is None:
                flawed = self.dice(task, "validation").random() < 0.25
                yield partial(self.validate, task, flawed=flawed)
            elif self.has_waited(validated_at, 6):
                yield partial(self.validate, task, flawed=False)
        elif "suite_red" in unmet:
            yield partial(self.run_suite, task)
        elif task["state"] == "planned" and not unmet:
            address = f"/builders/tasks/{task['task_id']}/assign/"
            yield self.act(address, builder=builder["builder_id"])

    def not_held(self, task: JsonRow) -> Iterator[DueAct]:
        """Unassign a task whose builder does not have it."""
        if task["held_by"] is None and task["state"] == "assigned":
            yield self.release_task(task["task_id"])
        if task["held_by"] is None and task["state"] == "in-progress":
            reason = "No builder has this task."
            yield self.act(f"/tasks/{task['task_id']}/send-back/", reason=reason)

    def under_blockers(self, task: JsonRow) -> Iterator[DueAct]:
        """Resolve what holds a task up. A silent builder is waited for, up to a limit."""
        blockers = own_blockers(task)
        for blocker in blockers:
            stalled = blocker["classification"] == "builder_stall"
            if stalled and self.has_waited(blocker["detected_at"], LOST):
                yield self.release_task(task["task_id"])
            wait = self.dice(task, "blocker").uniform(8, 16)
            if not stalled and self.has_waited(blocker["detected_at"], wait):
                yield partial(self.resolve, task, blocker)
        if not blockers and task["state"] == "blocked":
            yield self.release_task(task["task_id"])

    # --- acts -------------------------------------------------------------------------------------

    def act(self, address: str, **fields: str) -> DueAct:
        """Return the act of sending a page's form."""
        return partial(self.pages.post, address, fields)

    def release_task(self, key: str) -> DueAct:
        return self.act(f"/builders/tasks/{key}/release/")

    def validate(self, task: JsonRow, *, flawed: bool) -> None:
        results = {
            section: dict.fromkeys(items, True) for section, items in task["checklist"].items()
        }
        if flawed:
            dice = self.dice(task, "flaw")
            section = dice.choice([*results])
            results[section][dice.choice([*results[section]])] = False
        self.reports.validate(task["task_id"], results)

    def run_suite(self, task: JsonRow) -> None:
        """Run the suite before the work: nothing of it can pass yet."""
        tests = suite_tests(self.seed, facts(task))
        outcome = self.reports.report(task["task_id"], junit(tests, RunStep(0)))
        if outcome.refused:
            raise outcome.refused

    def resolve(self, task: JsonRow, blocker: JsonRow) -> None:
        key, classification = task["task_id"], blocker["classification"]
        words = RESOLUTIONS.get(classification, "Investigated and resolved.")
        if classification == "constitutional_violation":
            for violation in self.pages.export("/violations/", of=f"task:{key}"):
                address = f"/violations/{violation['violation_id']}/resolve/"
                self.pages.post(address, {"resolution": words})
            # Resolving its violations may have resolved it.
            if blocker["blocker_id"] not in {
                row["blocker_id"] for row in own_blockers(self.task(key))
            }:
                return
        self.pages.post(f"/blockers/{blocker['blocker_id']}/resolve/", {"resolution": words})

    # --- time and chance --------------------------------------------------------------------------

    def has_waited(self, since: str, seconds: float) -> bool:
        waited = datetime.now(UTC) - datetime.fromisoformat(since)
        return waited > timedelta(seconds=seconds * self.pace)

    def dice(self, task: JsonRow, what: str) -> random.Random:
        return random.Random(f"{self.seed} {task['task_id']} {what}")  # noqa: S311


def own_blockers(task: JsonRow) -> list[JsonRow]:
    """Return the open blockers of the task itself, and not those of its wave and program."""
    return [row for row in task["open_blockers"] if row["entity_type"] == "task"]
