"""Scenes of gates: everything that a gate asks for, and how to break one condition of it."""

from datetime import timedelta

from django.db import connection
from django.utils.timezone import now
from hypothesis import strategies as st

from builders.models import Builder
from governance.models import Blocker
from kit.core.acts import act
from programs.actions import move
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.scenes import past_the_rules

RED = {"passing_tests": 3, "failing_tests": 2}


def block(entity):
    """Leave a blocker open on an entity that is not blocked, as after a forced move."""
    before = entity.state
    BlockerFactory(entity=entity)
    past_the_rules(entity, state=before)


def violate(task):
    GovernanceViolationFactory(task=task)
    with act(None, reason="the scene"):
        Blocker.objects.all().delete()
    past_the_rules(task, state=task.state)


# --- scenes: everything that a gate asks for, and how to break one condition of it --------------


class ApproveProgram:
    target, columns = "in-progress", {}

    def __init__(self):
        self.entity = ProgramFactory(state="planned")
        self.waves = WaveFactory.create_batch(2, program=self.entity, state="planned")
        self.tasks = [TaskFactory(wave=wave) for wave in self.waves]

    def waves_have_tasks(self):
        self.tasks[0].delete()

    def dependencies_acyclic(self):
        one, other = self.waves
        with connection.cursor() as cursor:  # what is due of the rule itself, before it is broken
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        past_the_rules(one, dependencies=[str(other.pk)])
        past_the_rules(other, dependencies=[str(one.pk)])

    def no_open_blocker(self):
        block(self.entity)


class ApproveProgramWithoutWaves(ApproveProgram):
    def __init__(self):
        self.entity = ProgramFactory(state="planned")
        self.wave = WaveFactory(program=self.entity)
        TaskFactory(wave=self.wave)

    def has_waves(self):
        self.wave.delete()

    waves_have_tasks = dependencies_acyclic = None


class StartWave:
    target, columns = "in-progress", {}

    def __init__(self):
        self.program = ProgramFactory()
        self.earlier = WaveFactory.create_batch(2, program=self.program, state="completed")
        keys = [str(wave.pk) for wave in self.earlier]
        self.entity = WaveFactory(program=self.program, state="planned", dependencies=keys)

    def program_in_progress(self):
        past_the_rules(self.program, state="blocked")

    def dependencies_completed(self):
        past_the_rules(self.earlier[1], state="in-progress")

    def no_open_blocker(self):
        block(self.entity)


class InTheOffice:
    """A task with its wave, its program and its builder."""

    state, target, columns = "planned", "in-progress", {}
    task = {}

    def __init__(self):
        self.entity = TaskFactory(state=self.state, **self.task)
        self.wave = self.entity.wave

    def wave_in_progress(self):
        past_the_rules(self.wave, state="blocked")

    def program_in_progress(self):
        past_the_rules(self.wave.program, state="planned")

    def no_open_blocker(self):
        block(self.entity)

    def no_unresolved_violation(self):
        # Raised before the blocker of the scene, which is not this one's.
        mine = GovernanceViolationFactory(task=self.entity)
        with act(None, reason="the scene"):
            Blocker.objects.filter(classification="constitutional_violation").delete()
        assert mine.resolved_at is None
        past_the_rules(self.entity, state=self.state)


class Prepared(InTheOffice):
    """A task to assign: its architecture is ready, and its suite is red."""

    def __init__(self):
        super().__init__()
        ArchitectureValidationFactory(task=self.entity)
        QAExecutionFactory(task=self.entity, **RED)

    def architecture_ready(self):
        ArchitectureValidationFactory(
            task=self.entity, pass_rate=90, build_readiness="NOT_READY", validated_at=now()
        )

    def suite_red(self):
        QAExecutionFactory(task=self.entity)


class AssignTask(Prepared):
    target, columns = "assigned", {"assigned_builder": "ui-builder"}

    def __init__(self):
        super().__init__()
        self.builder = BuilderFactory(state="idle")

    def builder_idle(self):
        BuilderFactory(heard_at=None)


class StartOwnWork(Prepared):
    pass


class StartAssignedTask(InTheOffice):
    state, task = "assigned", {"assigned_builder": "ui-builder"}

    def __init__(self):
        super().__init__()
        BuilderFactory(current_task=self.entity)


class CompleteTask(InTheOffice):
    state, target = "in-progress", "completed"
    task = {"assigned_builder": "ui-builder", "evidence_location": "s3://proof"}

    def __init__(self):
        super().__init__()
        BuilderFactory(current_task=self.entity)
        self.worked_at = now() - timedelta(days=3)
        past_the_rules(self.entity, worked_at=self.worked_at)
        QAExecutionFactory(task=self.entity, **RED, executed_at=now() - timedelta(days=4))
        self.run = QAExecutionFactory(
            task=self.entity, total_tests=5, passing_tests=5,
            executed_at=self.worked_at + timedelta(seconds=1),
        )  # fmt: skip

    def suite_green(self):
        self._change_run(passing_tests=-1, failing_tests=1, qa_status="PARTIAL")

    def no_debt(self):
        self._change_run(test_debt_count=1, qa_status="PARTIAL")

    def _change_run(self, qa_status="", **counts):
        self.run.refresh_from_db()
        changed = {count: getattr(self.run, count) + by for count, by in counts.items()}
        past_the_rules(self.run, qa_status=qa_status or self.run.qa_status, **changed)

    def run_newer_than_work(self):
        past_the_rules(self.entity, worked_at=self.run.executed_at)

    def goalposts_stand(self):
        self._change_run(total_tests=-1, passing_tests=-1)

    def evidence_given(self):
        past_the_rules(self.entity, evidence_location="")


class CompleteOwnWork(InTheOffice):
    state, target = "in-progress", "completed"
    task = {"evidence_location": "s3://proof", "qa_suite_location": ""}
    evidence_given = CompleteTask.evidence_given


class CompleteWave:
    target, columns = "completed", {}

    def __init__(self):
        self.entity = WaveFactory()
        self.tasks = TaskFactory.create_batch(2, wave=self.entity, state="completed")
        WaveFactory(program=self.entity.program)

    def program_in_progress(self):
        past_the_rules(self.entity.program, state="failed")

    def tasks_completed(self):
        past_the_rules(self.tasks[1], state="failed")

    def no_open_blocker(self):
        block(self.entity)


class CompleteProgram:
    target, columns = "completed", {}

    def __init__(self):
        self.entity = ProgramFactory()
        self.waves = WaveFactory.create_batch(2, program=self.entity, state="completed")

    def waves_completed(self):
        past_the_rules(self.waves[0], state="blocked")

    def no_open_blocker(self):
        block(self.entity)


class Unblock(InTheOffice):
    """Leaving the blocked state, only to the state before; the start's conditions do not count."""

    state, task = "in-progress", {"assigned_builder": "ui-builder"}

    def __init__(self):
        super().__init__()
        BuilderFactory(current_task=self.entity)
        move(self.entity, "blocked", by=None)

    def no_open_blocker(self):
        BlockerFactory(entity=self.entity)

    def still_in_hand(self):
        Builder.objects.update(current_task=None)

    wave_in_progress = program_in_progress = no_unresolved_violation = None


class UnblockToElsewhere(Unblock):
    target = "assigned"
    always = {"returns_to_where_it_was"}


SCENES = [
    ApproveProgram, ApproveProgramWithoutWaves, StartWave, AssignTask, StartOwnWork,
    StartAssignedTask, CompleteTask, CompleteOwnWork, CompleteWave, CompleteProgram, Unblock,
    UnblockToElsewhere,
]  # fmt: skip


def breakable(scene):
    """Return the conditions that a scene can break, by the names of their rules."""
    return sorted(
        name for name in dir(scene) if not name.startswith("_") and callable(getattr(scene, name))
    )


def subsets():
    return st.sampled_from(SCENES).flatmap(
        lambda scene: st.tuples(st.just(scene), st.sets(st.sampled_from(breakable(scene))))
    )
