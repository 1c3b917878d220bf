"""A simulated foreman: decides as a person would, one act at a time, from what the database says.

It remembers nothing but the number of the first release that has not ended, so it can stop and go
on at any moment, and what a visitor does meanwhile is to it a fact like any other.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import count

from django.contrib.auth.models import User
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error, connection
from django.db.models import QuerySet
from django.utils.timezone import now

from builders.actions import assign_task, release_task
from builders.models import Builder
from foreman_office.demo.scene import plan_release
from foreman_office.demo.script import suite
from foreman_office.kit.acts import Actor, Refused
from governance.actions import (
    record_qa_execution,
    record_validation,
    resolve_blocker,
    resolve_violation,
)
from governance.gates import conditions
from governance.junit import Result
from governance.models import Blocker, Classification, TestOutcome
from programs.actions import approve_program, send_back_task, start_wave
from programs.models import Program, State, Task, TaskState

# Who stands in the evidence. Nobody can log in as it: it is in no table.
SIMULATED = User(username="simulation")

CHECKLIST = {
    "architecture": ["interfaces named", "data shapes stated", "failure modes listed"],
    "tests": ["suite exists", "suite is red", "every criterion covered"],
    "readiness": ["dependencies completed", "no protected path touched"],
}
RESOLUTIONS = {
    Classification.ARCHITECTURE_QA_MISMATCH: "Architecture and suite read side by side; the"
    " field was added to the architecture.",
    Classification.IMPOSSIBLE_REQUIREMENTS: "The younger of the two criteria was withdrawn.",
    Classification.PROTECTED_PATH: "The change was cut so that it stays outside the protected"
    " path.",
    Classification.REPEATED_FAILURES: "The failing tests were read together; the work goes on.",
}
LOST = 60  # seconds after which a builder that fell silent is not waited for any more

log = logging.getLogger(__name__)


class Foreman:
    def __init__(self, seed: int, pace: float = 1.0, by: Actor = SIMULATED) -> None:
        self.seed, self.pace, self.by = seed, pace, by
        self.number = 1

    def work(self) -> None:
        """Decide for ever."""
        while True:
            try:
                self.turn()
            except (Error, ObjectDoesNotExist) as error:
                # The database is away, or a visitor has removed what was to be decided about.
                log.warning("The simulated foreman could not act: %s", error)
                connection.close()
                time.sleep(2)
            time.sleep(0.5 * self.pace)

    def turn(self) -> bool:
        """Do the first thing that is due and not refused; tell whether there was one."""
        for program in self.releases():
            for do in self.due(program):
                try:
                    do()
                except Refused as refused:
                    log.info("The simulated foreman was refused: %s", refused)
                else:
                    return True
        return False

    def releases(self) -> Iterator[Program]:
        """Tell the releases under way. One that has completed a wave makes room for the next."""
        for number in count(self.number):
            program = plan_release(number, by=self.by)
            if program.state not in (State.COMPLETED, State.FAILED):
                yield program
                if not program.waves.filter(state=State.COMPLETED).exists():
                    return
            elif number == self.number:
                self.number += 1

    def due(self, program: Program) -> Iterator[Callable[[], object]]:
        if program.state == State.PLANNED:
            yield partial(approve_program, program, by=self.by)
        if program.state != State.IN_PROGRESS:
            return
        yield from self.waves_due(program)
        builders = Builder.objects.in_bulk()
        for task in running_or_next(program):
            if task.assigned_builder:
                yield from self.task_due(task, builders[task.assigned_builder])

    def waves_due(self, program: Program) -> Iterator[Callable[[], object]]:
        """Start what may start. Waves and program end by themselves, with the last task."""
        for wave in program.waves.filter(state=State.PLANNED):
            if all(condition.met for condition in conditions(wave, State.IN_PROGRESS)):
                yield partial(start_wave, wave, by=self.by)

    def task_due(self, task: Task, builder: Builder) -> Iterator[Callable[[], object]]:
        match task.state:
            case TaskState.PLANNED:
                if builder.state == Builder.State.IDLE and builder.current_task_id is None:
                    yield from self.before_work(task, builder)
            case TaskState.ASSIGNED | TaskState.IN_PROGRESS if builder.current_task_id != task.pk:
                yield partial(send_back_task, task, by=self.by, reason="Nobody has it in hand.")
            case TaskState.BLOCKED:
                yield from self.under_blockers(task)
            case TaskState.FAILED:
                yield partial(release_task, task, by=self.by)

    def before_work(self, task: Task, builder: Builder) -> Iterator[Callable[[], object]]:
        """Have the architecture validated and the suite seen red, then hand the task over."""
        gate = conditions(task, TaskState.ASSIGNED, builder=builder)
        unmet = {condition.rule for condition in gate if not condition.met}
        if "architecture_ready" in unmet:
            latest = task.validations.order_by("-validated_at").first()
            if latest is None:
                flawed = self.dice(task, "validation").random() < 0.25
                yield partial(self.validate, task, flawed=flawed)
            elif self.has_waited(latest.validated_at, 6):
                yield partial(self.validate, task, flawed=False)
        elif "suite_red" in unmet:
            yield partial(self.run_suite, task)
        elif not unmet:
            yield partial(assign_task, task, builder, by=self.by)

    def under_blockers(self, task: Task) -> Iterator[Callable[[], object]]:
        """Settle what holds a task up. A silent builder is waited for, but not for ever."""
        open_blockers = list(task.blockers.open())
        for blocker in open_blockers:
            stalled = blocker.classification == Classification.BUILDER_STALL
            if stalled and self.has_waited(blocker.detected_at, LOST):
                yield partial(release_task, task, by=self.by)
            wait = self.dice(task, "blocker").uniform(8, 16)
            if not stalled and self.has_waited(blocker.detected_at, wait):
                yield partial(self.resolve, task, blocker)
        if not open_blockers:
            yield partial(release_task, task, by=self.by)

    def has_waited(self, since, seconds: float) -> bool:
        return now() - since > timedelta(seconds=seconds * self.pace)

    def validate(self, task: Task, *, flawed: bool) -> None:
        results = {section: dict.fromkeys(items, True) for section, items in CHECKLIST.items()}
        if flawed:
            dice = self.dice(task, "flaw")
            section = dice.choice(list(CHECKLIST))
            results[section][dice.choice(CHECKLIST[section])] = False
        record_validation(task, validation_results=results, by=self.by)

    def run_suite(self, task: Task) -> None:
        """Run the suite before the work: nothing of it can pass yet."""
        tests = suite(self.seed, {"task_id": str(task.pk), **vars(task)})
        record_qa_execution(
            task,
            passing=0,
            failing=len(tests),
            execution_time_ms=self.dice(task, "run").randrange(800, 9000),
            results=[Result(test, TestOutcome.FAILED, "Not built yet.") for test in tests],
            by=self.by,
        )

    def resolve(self, task: Task, blocker: Blocker) -> None:
        words = RESOLUTIONS.get(Classification(blocker.classification), "Looked into and settled.")
        if blocker.classification == Classification.CONSTITUTIONAL_VIOLATION:
            for violation in task.violations.unresolved():
                resolve_violation(violation, resolution=words, by=self.by)
            blocker.refresh_from_db()  # with its violations it may have ended by itself
        resolve_blocker(blocker, resolution_action=words, by=self.by)

    def dice(self, task: Task, what: str) -> random.Random:
        return random.Random(f"{self.seed} {task.pk} {what}")  # noqa: S311


def running_or_next(program: Program) -> QuerySet[Task]:
    """Ask for the tasks of waves in progress that are not done."""
    return (
        Task.objects.filter(wave__program=program, wave__state=State.IN_PROGRESS)
        .exclude(state=TaskState.COMPLETED)
        .order_by("wave__sequence_number", "name")
    )
