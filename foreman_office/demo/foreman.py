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
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.timezone import now

from builders.actions import assign_task, complete_task, release_task
from builders.models import Builder, Heartbeat
from foreman_office.demo.scene import plan_release
from foreman_office.kit.acts import Actor, Refused, act
from governance.actions import (
    raise_blocker,
    record_qa_execution,
    record_validation,
    resolve_blocker,
)
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Classification,
    QAExecution,
    QAStatus,
    Readiness,
)
from programs.actions import approve_program, complete_program, complete_wave, start_wave
from programs.models import Program, State, Task, TaskState, Wave

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
}
STEP_BETWEEN_RUNS = 30  # per cent of progress that the last QA run does not know of yet

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
        waves = list(program.waves.prefetch_related("tasks"))
        yield from self.waves_due(program, waves)
        builders = Builder.objects.in_bulk()
        for task in running_or_next(program):
            if task.assigned_builder:
                yield from self.task_due(task, builders[task.assigned_builder])

    def waves_due(self, program: Program, waves: list[Wave]) -> Iterator[Callable[[], object]]:
        completed = {wave.pk for wave in waves if wave.state == State.COMPLETED}
        if len(completed) == len(waves):
            yield partial(complete_program, program, by=self.by)
        for wave in waves:
            if wave.state == State.PLANNED and completed.issuperset(wave.dependency_ids):
                yield partial(start_wave, wave, by=self.by)
            if wave.state == State.IN_PROGRESS and all(
                task.state == TaskState.COMPLETED for task in wave.tasks.all()
            ):
                yield partial(complete_wave, wave, by=self.by)

    def task_due(self, task: Task, builder: Builder) -> Iterator[Callable[[], object]]:
        match task.state:
            case TaskState.PLANNED:
                if builder.state == Builder.State.IDLE and builder.current_task_id is None:
                    yield from self.before_work(task, builder)
            case TaskState.ASSIGNED | TaskState.IN_PROGRESS if builder.current_task_id != task.pk:
                yield partial(release_task, task, by=self.by)
            case TaskState.IN_PROGRESS:
                if builder.state == Builder.State.BLOCKED and not task.blockers.exists():
                    yield partial(self.block, task, builder)
                yield from self.during_work(task)
            case TaskState.BLOCKED:
                yield from self.under_blockers(task)
            case TaskState.FAILED:
                yield partial(release_task, task, by=self.by)

    def before_work(self, task: Task, builder: Builder) -> Iterator[Callable[[], object]]:
        """Have the architecture validated and the suite seen red, then hand the task over."""
        if task.readiness == Readiness.NOT_READY:
            if self.has_waited(task.validated_at, 6):
                yield partial(self.validate, task, flawed=False)
        elif task.readiness is None:
            flawed = self.dice(task, "validation").random() < 0.25
            yield partial(self.validate, task, flawed=flawed)
        elif task.qa_status != QAStatus.RED:
            yield partial(self.run_suite, task, passing=0)
        else:
            yield partial(assign_task, task, builder, by=self.by)

    def during_work(self, task: Task) -> Iterator[Callable[[], object]]:
        """Run the suite now and then; a builder that says done is believed when it is green."""
        size, progress = self.suite_size(task), task.progress_percentage
        if progress == 100 and task.qa_status == QAStatus.GREEN:
            yield partial(complete_task, task, by=self.by)
        elif progress == 100 or progress - 100 * task.passing // size >= STEP_BETWEEN_RUNS:
            yield partial(self.run_suite, task, passing=size * progress // 100)

    def under_blockers(self, task: Task) -> Iterator[Callable[[], object]]:
        open_blockers = list(task.blockers.open())
        for blocker in open_blockers:
            if self.has_waited(blocker.detected_at, self.dice(task, "blocker").uniform(8, 16)):
                yield partial(self.resolve, blocker)
        if not open_blockers:
            yield partial(self.resume, task)

    def has_waited(self, since, seconds: float) -> bool:
        return now() - since > timedelta(seconds=seconds * self.pace)

    def validate(self, task: Task, *, flawed: bool) -> None:
        results = {section: dict.fromkeys(items, True) for section, items in CHECKLIST.items()}
        if flawed:
            dice = self.dice(task, "flaw")
            section = dice.choice(list(CHECKLIST))
            results[section][dice.choice(CHECKLIST[section])] = False
        record_validation(task, validation_results=results, by=self.by)

    def suite_size(self, task: Task) -> int:
        return self.dice(task, "suite").randrange(12, 40)

    def run_suite(self, task: Task, *, passing: int) -> None:
        size = self.suite_size(task)
        record_qa_execution(
            task,
            passing=passing,
            failing=size - passing,
            execution_time_ms=self.dice(task, f"run {passing}").randrange(800, 9000),
            by=self.by,
        )

    def block(self, task: Task, builder: Builder) -> None:
        """Take a builder's word for it: its message begins with the kind of blocker."""
        beats = Heartbeat.objects.filter(builder=builder).order_by("-timestamp")
        message = beats.values_list("message", flat=True).first() or ""
        kind, _, trouble = message.partition(": ")
        kind = kind.lower().replace(" ", "_")
        if kind not in Classification.values:
            kind, trouble = Classification.ARCHITECTURE_QA_MISMATCH, message
        with act(self.by):
            raise_blocker(
                task,
                classification=kind,
                description=trouble or "The builder says no more than that it is blocked.",
                by=self.by,
            )
            self.move(task, TaskState.BLOCKED)

    def resolve(self, blocker: Blocker) -> None:
        words = RESOLUTIONS.get(Classification(blocker.classification), "Looked into and settled.")
        resolve_blocker(blocker, resolution_action=words, by=self.by)

    def resume(self, task: Task) -> None:
        self.move(task, TaskState.IN_PROGRESS if task.started_at else TaskState.PLANNED)

    def move(self, task: Task, state: TaskState) -> None:
        with act(self.by):
            task.state = state
            task.save(update_fields=["state"])

    def dice(self, task: Task, what: str) -> random.Random:
        return random.Random(f"{self.seed} {task.pk} {what}")  # noqa: S311


def running_or_next(program: Program) -> QuerySet[Task]:
    """Ask for the tasks of waves in progress, with the last that is known of their quality."""
    runs = QAExecution.objects.filter(task=OuterRef("pk")).order_by("-executed_at")[:1]
    validations = ArchitectureValidation.objects.filter(task=OuterRef("pk")).order_by(
        "-validated_at"
    )[:1]
    return (
        Task.objects.filter(wave__program=program, wave__state=State.IN_PROGRESS)
        .exclude(state=TaskState.COMPLETED)
        .annotate(
            qa_status=Subquery(runs.values("qa_status")),
            passing=Subquery(runs.values("passing_tests")),
            readiness=Subquery(validations.values("build_readiness")),
            validated_at=Subquery(validations.values("validated_at")),
        )
        .order_by("wave__sequence_number", "name")
    )
