"""A gate opens only when each of its conditions is met, and says which are not."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.models import Builder
from foreman_office.kit.acts import Refused, act
from governance.gates import conditions
from governance.models import ArchitectureValidation, Blocker, QAExecution
from programs.actions import move
from programs.models import Program, Task, Wave
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

pytestmark = pytest.mark.django_db

RED = {"passing_tests": 3, "failing_tests": 2}


def past_the_rules(entity, **columns):
    """Put a row into a state that no rule would let it come to."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        type(entity).objects.filter(pk=entity.pk).update(**columns)
        cursor.execute("SET LOCAL session_replication_role = origin")


def block(entity):
    """Leave a blocker open on something that is not blocked, as after a forced move."""
    before = entity.state
    BlockerFactory(entity=entity)
    past_the_rules(entity, state=before)


def violate(task):
    GovernanceViolationFactory(task=task)
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
        Blocker.objects.filter(classification="constitutional_violation").delete()
        assert mine.resolved_at is None
        past_the_rules(self.entity, state=self.state)


class Prepared(InTheOffice):
    """With an architecture that is ready, and a suite that is red."""

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
        BuilderFactory(state="active")


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
    """Back to where it was, and nowhere else. What holds a new start up does not hold this up."""

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


def check(scene, broken):
    """Break conditions of a scene: the gate names exactly them, and refuses if there is one."""
    # A condition about the rows that another removes comes last.
    made = scene()
    for rule in sorted(broken, key=lambda rule: rule == "no_open_blocker"):
        getattr(made, rule)()
    expected = broken | getattr(scene, "always", set())
    if "no_debt" in broken:
        expected = expected | {"suite_green"}  # a run with debt is not green
    entity = made.entity
    entity.refresh_from_db()
    builder = Builder.objects.get(pk="ui-builder")

    answer = conditions(entity, made.target, builder=builder)
    assert {condition.rule for condition in answer if not condition.met} == expected
    assert {condition.rule for condition in answer} >= {*breakable(scene)}
    assert len({condition.rule for condition in answer}) == len(answer)
    assert all(condition.detail.endswith((".", "proof")) for condition in answer)

    rows = type(entity).objects.filter(pk=entity.pk)
    try:
        with transaction.atomic():
            rows.update(state=made.target, **made.columns)
    except IntegrityError as error:
        diag = error.__cause__.diag
        assert diag.constraint_name == f"governance_{entity._meta.db_table}_gate"
        assert {unmet["rule"] for unmet in json.loads(diag.message_detail)} == expected
        for unmet in json.loads(diag.message_detail):
            assert unmet["detail"] in diag.message_primary
        assert expected
    else:
        assert not expected
        assert rows.get().state == made.target


@pytest.mark.parametrize("scene", SCENES)
def test_a_gate_opens_when_all_is_met(scene):
    check(scene, set())


@pytest.mark.parametrize(
    ("scene", "rule"), [(scene, rule) for scene in SCENES for rule in breakable(scene)]
)
def test_each_condition_alone_keeps_it_shut(scene, rule):
    check(scene, {rule})


@given(subsets())
@settings(max_examples=80)
def test_whatever_is_broken_is_named_and_nothing_else(db, broken):
    with transaction.atomic():
        check(*broken)
        transaction.set_rollback(True)


@pytest.mark.parametrize("scene", SCENES)
def test_an_override_passes_whatever_is_broken(scene):
    made = scene()
    for rule in sorted(breakable(scene), key=lambda rule: rule == "no_open_blocker"):
        if (scene, rule) != (Unblock, "still_in_hand"):
            getattr(made, rule)()
    made.entity.refresh_from_db()
    with act(None, override="The owner wants it so."):
        type(made.entity).objects.filter(pk=made.entity.pk).update(
            state=made.target, **made.columns
        )
    made.entity.refresh_from_db()
    assert made.entity.state == made.target


# --- what a condition looks at --------------------------------------------------------------------


def unmet(entity, target, builder="ui-builder"):
    answer = conditions(entity, target, builder=Builder.objects.get(pk=builder))
    return {condition.rule: condition.detail for condition in answer if not condition.met}


def test_the_latest_validation_speaks_and_only_one_of_the_tasks_own_architecture():
    scene = AssignTask()
    ArchitectureValidation.objects.update(architecture_reference="another.md")
    assert set(unmet(scene.entity, "assigned")) == {"architecture_ready"}
    ArchitectureValidationFactory(task=scene.entity, validated_at=now() - timedelta(days=1))
    assert unmet(scene.entity, "assigned") == {}


def test_the_latest_run_speaks_and_only_one_of_the_tasks_own_suite():
    scene = AssignTask()
    QAExecutionFactory(task=scene.entity, qa_suite_location="another/")
    QAExecutionFactory(task=scene.entity, executed_at=now() - timedelta(days=30))
    assert unmet(scene.entity, "assigned") == {}
    QAExecution.objects.update(qa_suite_location="another/")
    assert unmet(scene.entity, "assigned") == {"suite_red": "tests/escalation/ was never run."}


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"passing_tests": 5, "failing_tests": 0}, "All 5 tests pass: nothing is left to build."),
        (RED | {"skipped_tests": 1}, "1 of 6 tests are skipped."),
    ],
)
def test_a_suite_is_red_when_it_fails_and_skips_nothing(counts, reason):
    scene = AssignTask()
    QAExecutionFactory(task=scene.entity, **counts)
    assert unmet(scene.entity, "assigned") == {"suite_red": reason}


def test_a_task_that_names_nothing_cannot_be_given_to_a_builder(wave):
    task = TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")
    assert unmet(task, "assigned") == {
        "architecture_ready": "The task names no architecture.",
        "suite_red": "The task names no suite.",
    }
    assert unmet(task, "in-progress") == {}  # the foreman's own work


def test_a_builder_with_full_hands_is_not_idle():
    scene = AssignTask()
    BuilderFactory(state="idle", current_task=TaskFactory(state="assigned"))
    assert unmet(scene.entity, "assigned") == {"builder_idle": "ui-builder holds another task."}
    assert unmet(scene.entity, "assigned", builder="api-builder") == {}


def test_what_is_resolved_holds_nothing_up():
    scene = CompleteTask()
    GovernanceViolationFactory(task=scene.entity, resolved_at=now())
    BlockerFactory(entity=scene.entity, resolved_at=now())
    BlockerFactory(entity=scene.wave)  # another's
    assert set(unmet(scene.entity, "completed")) == {"wave_in_progress"}


def test_a_move_without_a_gate_has_no_conditions(task):
    assert conditions(task, "blocked") == conditions(task, "planned") == []


def test_the_page_is_told_why(task):
    with pytest.raises(Refused) as refused:
        move(task, "in-progress", by=None)
    assert refused.value.rule == "governance_tasks_gate"
    assert [unmet["rule"] for unmet in refused.value.unmet] == ["architecture_ready", "suite_red"]
    assert refused.value.message.startswith("The task cannot become in-progress.")


# --- the other side of the gates ------------------------------------------------------------------


def test_nothing_is_added_to_what_is_completed(refuses):
    wave = WaveFactory(state="completed")
    done = ProgramFactory(state="completed")
    elsewhere = TaskFactory()
    with refuses("governance_waves_open"):
        TaskFactory(wave=wave)
    with refuses("governance_waves_open"):
        Task.objects.filter(pk=elsewhere.pk).update(wave=wave)
    with refuses("governance_programs_open"):
        WaveFactory(program=done)
    with refuses("governance_programs_open"):
        Wave.objects.filter(pk=elsewhere.wave_id).update(program=done)


@pytest.mark.parametrize("state", ["assigned", "in-progress", "completed"])
def test_what_somebody_works_on_is_given_to_nobody_else(state, refuses):
    task = TaskFactory(state=state, assigned_builder="ui-builder")
    for other in ("api-builder", None):
        with refuses("governance_tasks_in_hand"):
            Task.objects.filter(pk=task.pk).update(assigned_builder=other)


def test_the_foremans_own_work_is_not_passed_on_midway(refuses):
    task = TaskFactory(state="in-progress")
    with refuses("governance_tasks_in_hand"):
        Task.objects.filter(pk=task.pk).update(assigned_builder="ui-builder")


def test_planned_work_may_be_meant_for_anybody(task):
    for name in ("ui-builder", "qa-builder", None):
        Task.objects.filter(pk=task.pk).update(assigned_builder=name)
    assert not Builder.objects.filter(current_task=task).exists()


def test_a_builder_does_not_take_up_a_second_task_even_if_forced(refuses):
    held = TaskFactory(state="assigned")
    BuilderFactory(current_task=held)
    with refuses("governance_builders_hold_their_task"), act(None, override="Now."):
        Task.objects.filter(pk=TaskFactory().pk).update(
            state="assigned", assigned_builder="ui-builder"
        )


def test_forced_to_another_builder_the_task_changes_hands():
    task = TaskFactory(state="in-progress")
    BuilderFactory(current_task=task)
    with act(None, override="She knows it better."):
        Task.objects.filter(pk=task.pk).update(assigned_builder="api-builder")
    assert [builder.pk for builder in task.holders.all()] == ["api-builder"]


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_a_builder_holds_no_task_that_is_finished(state, sql, refuses):
    task = TaskFactory(state=state, assigned_builder="ui-builder")
    with refuses("governance_builders_hold_their_task"):
        Builder.objects.filter(pk="ui-builder").update(current_task=task)
        sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_builder_holds_no_task_of_another(sql, refuses):
    task = TaskFactory(state="assigned", assigned_builder="ui-builder")
    with refuses("governance_builders_hold_their_task"):
        Builder.objects.filter(pk="qa-builder").update(current_task=task)
        sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_every_gated_state_has_a_scene():
    gated = {("program", "in-progress"), ("program", "completed"), ("wave", "in-progress"),
             ("wave", "completed"), ("task", "assigned"), ("task", "in-progress"),
             ("task", "completed")}  # fmt: skip
    found = set()
    for model in (Program, Wave, Task):
        entity = {Program: ProgramFactory, Wave: WaveFactory, Task: TaskFactory}[model]()
        for target in model.State.values:
            if conditions(entity, target):
                found.add((model._meta.model_name, target))
    assert found == gated
