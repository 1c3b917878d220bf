"""Whatever was done, the evidence alone tells how everything was at any moment between."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.utils.timezone import now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from builders.actions import pause_builder, resume_builder
from builders.models import Builder, BuilderPause, Heartbeat
from foreman_office.dashboard.as_of.rebuilt import (
    builder_then,
    program_then,
    task_then,
    wave_then,
)
from governance.models import Blocker, GovernanceViolation
from programs.actions import archive_program, edit, unarchive_program
from programs.models import Program, Task, Wave
from tests.examples import examples
from tests.governance.test_machine import Office, builder_ids, nth, pick

DAY = date(2026, 12, 24)
PLAN = {
    Program: (
        *("name", "description", "state", "allows_pull", "evidence_location", "validated_by"),
        *("due_on", "archived_at"),
    ),
    Wave: ("name", "sequence_number", "state", "dependencies", "program_id", "due_on"),
    Task: (
        *("name", "state", "assigned_builder", "planned_builder", "wave_id", "started_at"),
        *("completed_at", "acceptance_criteria", "qa_suite_location", "evidence_location"),
        "due_on",
    ),
}


def tables_now():
    """Return what the tables hold of what pages as of a moment show."""
    held = {
        model: {
            row.pk: {name: in_the_trail(getattr(row, name)) for name in names}
            | {"progress": row.progress_percentage}
            for row in model.objects.all()
        }
        for model, names in PLAN.items()
    }
    held[Blocker] = {
        (str(blocker.entity_id), blocker.classification, blocker.occurrences)
        for blocker in Blocker.objects.open()
    }
    held[GovernanceViolation] = {str(row.pk) for row in GovernanceViolation.objects.unresolved()}
    paused = set(BuilderPause.objects.running().values_list("builder", flat=True))
    held[Builder] = {
        builder.pk: (
            builder.state,
            builder.current_task_id and str(builder.current_task_id),
            builder.backend_type,
            builder.pk in paused,
        )
        for builder in Builder.objects.all()
    }
    return held


def in_the_trail(value):
    return str(value) if isinstance(value, UUID) else value


def assert_shown_as_held(held, moment, *, may_forget):
    """Compare what pages show as of a moment with what the tables held then."""
    blockers, violations = set(), set()
    for key, program in held[Program].items():
        then = program_then(key, moment)
        plan = then["plan"]
        assert of_plan(Program, then, program, may_forget) == program
        waves = {wave["key"]: wave for wave in plan.waves}
        tasks = {task["key"]: task for wave in plan.waves for task in wave["tasks"]}
        assert {
            pk: of_plan(Wave, row, held[Wave][pk], may_forget) for pk, row in waves.items()
        } == {pk: wave for pk, wave in held[Wave].items() if wave["program_id"] == str(key)}
        assert {
            pk: of_plan(Task, row, held[Task][pk], may_forget) for pk, row in tasks.items()
        } == {pk: task for pk, task in held[Task].items() if UUID(task["wave_id"]) in waves}
        blockers |= keys_of(plan.blockers)
        for pk in waves:
            assert (
                of_plan(Wave, wave_then(pk, moment), held[Wave][pk], may_forget) == held[Wave][pk]
            )
    assert blockers == held[Blocker]
    for pk, task in held[Task].items():
        then = task_then(pk, moment)
        assert of_plan(Task, then, task, may_forget) == task
        assert str(then["wave"]["key"]) == task["wave_id"]
        assert keys_of(then["blockers"]) == {each for each in blockers if each[0] == str(pk)}
        violations |= {each["violation_id"] for each in then["violations"]}
    assert violations == held[GovernanceViolation]
    for pk, builder in held[Builder].items():
        then = builder_then(Builder(pk=pk), moment)
        names = ("state", "current_task_id", "backend_type")
        assert (*(then[name] for name in names), bool(then["pause"])) == builder


def of_plan(model, then, row, may_forget):
    """Return what is shown of a row; for a progress that may be uncertain, the true one."""
    progress = row["progress"] if then["progress"] is None and may_forget else then["progress"]
    return {name: then[name] for name in PLAN[model]} | {"progress": progress}


def keys_of(blockers):
    return {(each["entity_id"], each["classification"], each["occurrences"]) for each in blockers}


class RememberedOffice(Office):
    """The office of the other test, in which the tables are looked at after each step."""

    @initialize()
    def open(self):
        super().open()
        self.looks = []
        self.came_late = False

    @rule(n=nth, name=st.sampled_from(["Shop", "Desk"]), criteria=st.text("ab", max_size=3))
    def rename(self, n, name, criteria):
        if task := pick(Task.objects, n):
            self.attempt(edit, task, by=self.person, name=name, acceptance_criteria=criteria)

    @rule(n=nth, model=st.sampled_from([Program, Wave, Task]), on=st.none() | st.dates(DAY, DAY))
    def set_due(self, n, model, on):
        if entity := pick(model.objects, n):
            self.attempt(edit, entity, by=self.person, due_on=on)

    @rule(n=nth, puts_away=st.booleans())
    def archive(self, n, puts_away):
        if program := pick(Program.objects, n):
            put = archive_program if puts_away else unarchive_program
            self.attempt(put, program, reason="It is over.", by=self.person)

    @rule(name=builder_ids, begins=st.booleans())
    def rest(self, name, begins):
        builder = Builder.objects.get(pk=name)
        if begins:
            until = now() + timedelta(hours=1)
            self.attempt(pause_builder, builder, reason="A disk.", until=until, by=self.person)
        else:
            self.attempt(resume_builder, builder, by=self.person)

    @rule(name=builder_ids, status=st.sampled_from(Heartbeat.Status.values),
          progress=st.none() | st.integers(0, 100), late=st.sampled_from([0, 0, 0, 0, 0, 3600]),
          about=st.booleans())  # fmt: skip
    def beat(self, name, status, progress, late, about):
        super().beat(name, status, progress, late, about)
        self.came_late |= bool(late)

    @invariant()
    def look(self):
        began, held = now(), tables_now()
        self.looks.append((began, held, now(), self.came_late))

    # What the other test looks at after each step takes long and is its own.
    def nothing_is_out_of_order(self):
        pass

    def every_move_is_in_its_lifecycle_or_was_forced(self):
        pass

    def all_evidence_is_there(self):
        pass

    def teardown(self):
        """Ask for some of the moments, when all is over."""
        for place, (began, held, done, came_late) in enumerate(self.looks):
            if place % 4 == len(self.looks) % 4:
                moment = began + (done - began) * (place % 3) / 2
                assert_shown_as_held(held, moment, may_forget=came_late)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_as_of_a_moment_everything_is_as_the_tables_held_it():
    run_state_machine_as_test(
        RememberedOffice,
        settings=settings(
            examples(4), stateful_step_count=25, suppress_health_check=list(HealthCheck)
        ),
    )
