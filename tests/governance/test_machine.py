"""Whatever many actors do, in whatever order: after each act the office is in order."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.utils.timezone import now
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg import errors

from builders.actions import assign_task, release_task
from builders.models import Builder, Heartbeat
from governance import actions
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from governance.replay import Replay
from governance.watch import declare_stalls
from kit.core.acts import Refused, act
from programs.actions import (
    approve_program,
    complete_task,
    edit,
    fail,
    move,
    start_task,
    start_wave,
)
from programs.models import Program, Task, TaskState, Wave
from tests.database import restore
from tests.examples import examples
from tests.factories import TaskFactory, WaveFactory
from tests.governance.out_of_order import out_of_order

nth = st.integers(0, 6)
builder_ids = st.sampled_from(["ui-builder", "api-builder"])
overrides = st.sampled_from(["", "", "", "The owner wants it so."])
classifications = st.sampled_from(["protected_path", "impossible_requirements", "builder_stall"])


def pick(queryset, n):
    """Return one of the rows, if there are any."""
    found = list(queryset.order_by("pk"))
    return found[n % len(found)] if found else None


class Office(RuleBasedStateMachine):
    """Every act, by any actor, on any row, with any arguments."""

    @initialize()
    def open(self):
        restore()
        self.forced = False
        self.seen = 0
        self.person = get_user_model()(username="anna")
        earlier = WaveFactory(state="planned", program__state="planned")
        later = WaveFactory(
            state="planned", program=earlier.program, dependencies=[str(earlier.pk)]
        )
        for wave in (earlier, later):
            TaskFactory(wave=wave)
            TaskFactory(wave=wave, architecture_reference="", qa_suite_location="")

    def attempt(self, what, *arguments, override="", **options):
        """Try an act that the database may refuse, by the name of a rule and with a sentence."""
        if None in arguments:
            return
        if override:
            options["override"] = override
        with suppress(Refused):
            what(*arguments, **options)
            self.forced |= bool(override)

    # --- the plan ---------------------------------------------------------------------------------

    @rule(n=nth, depends=st.booleans())
    def add_a_wave(self, n, depends):
        program = pick(Program.objects, n)
        before = pick(Wave.objects.filter(program=program), n) if depends else None
        if program:
            with suppress(Refused), act(self.person):
                WaveFactory(
                    program=program,
                    state="planned",
                    dependencies=[str(before.pk)] if before else [],
                )

    @rule(n=nth, own=st.booleans())
    def add_a_task(self, n, own):
        if wave := pick(Wave.objects, n):
            named = {"architecture_reference": "", "qa_suite_location": ""} if own else {}
            with suppress(Refused), act(self.person):
                TaskFactory(wave=wave, **named)

    @rule(n=nth)
    def approve(self, n):
        self.attempt(approve_program, pick(Program.objects, n), by=self.person)

    @rule()
    def begin_another_program(self):
        if Program.objects.count() < 2:
            with act(self.person):
                TaskFactory(wave__state="planned", wave__program__state="planned")

    @rule(n=nth, override=overrides)
    def start(self, n, override):
        self.attempt(start_wave, pick(Wave.objects, n), by=self.person, override=override)

    @rule()
    def get_going(self):
        for program in Program.objects.filter(state="planned"):
            self.attempt(approve_program, program, by=self.person)
        for wave in Wave.objects.filter(state="planned"):
            self.attempt(start_wave, wave, by=self.person)

    @rule(n=nth, override=overrides)
    def start_own_work(self, n, override):
        task = pick(Task.objects.filter(assigned_builder=None), n)
        self.attempt(start_task, task, by=self.person, override=override)

    @rule(n=nth, kind=st.sampled_from([Program, Wave, Task]))
    def give_up(self, n, kind):
        self.attempt(fail, pick(kind.objects, n), by=self.person, reason="It leads nowhere.")

    @rule(n=nth, kind=st.sampled_from([Program, Wave, Task]), state=st.sampled_from(TaskState),
          override=overrides)  # fmt: skip
    def move_anyhow(self, n, kind, state, override):
        if state in kind.State.values:
            self.attempt(move, pick(kind.objects, n), state, by=None, override=override)

    @rule(n=nth, kind=st.sampled_from([Program, Wave, Task]))
    def delete(self, n, kind):
        if entity := pick(kind.objects, n):
            key = entity._meta.pk.column
            # Recorded judgement holds on to its task, a builder to what it has in hand, and a wave
            # to what it depends on.
            holding = (errors.ForeignKeyViolation, errors.RestrictViolation, errors.CheckViolation)
            statement = f"DELETE FROM {entity._meta.db_table} WHERE {key} = %s"
            with connection.cursor() as cursor, suppress(*holding):
                cursor.cursor.execute(statement, [entity.pk])

    @rule(n=nth, m=nth, kind=st.sampled_from([Task, Task, Wave]), override=overrides)
    def move_elsewhere(self, n, m, kind, override):
        parent, where = {Task: (Wave, "wave"), Wave: (Program, "program")}[kind]
        entity, other = pick(kind.objects, n), pick(parent.objects, m)
        if entity and other:
            with suppress(Refused), act(self.person, override=override):
                edit(entity, by=self.person, **{where: other})
            self.forced |= bool(override)

    @rule(n=nth, everywhere=st.booleans(), name=st.sampled_from(["One", "Another"]))
    def correct_by_hand(self, n, everywhere, name):
        """Change rows as the admin or `psql` does: each real change leaves one row of evidence."""
        one = pick(Task.objects, n)
        tasks = Task.objects.all() if everywhere or not one else Task.objects.filter(pk=one.pk)
        changed = tasks.exclude(name=name).count()
        before = Evidence.objects.count()
        tasks.update(name=name)
        assert Evidence.objects.count() == before + changed

    @rule(n=nth, progress=st.integers(0, 100))
    def force_progress(self, n, progress):
        if task := pick(Task.objects.exclude(state="completed"), n):
            Task.objects.filter(pk=task.pk).update(progress_percentage=progress)

    # --- the work ---------------------------------------------------------------------------------

    @rule(n=nth, name=builder_ids, prepared=st.booleans(), override=overrides)
    def assign(self, n, name, prepared, override):
        task, builder = pick(Task.objects.exclude(state="completed"), n), Builder(pk=name)
        if prepared and task and task.qa_suite_location:
            self.validate(n, True)
            actions.record_qa_execution(task, passing=0, failing=5, by=None)
        self.attempt(assign_task, task, builder, by=self.person, override=override)

    @rule(n=nth)
    def release(self, n):
        self.attempt(release_task, pick(Task.objects, n), by=self.person)

    @rule(name=builder_ids, status=st.sampled_from(Heartbeat.Status.values),
          progress=st.none() | st.integers(0, 100), late=st.sampled_from([0, 0, 0, 1, 3600]),
          about=st.booleans())  # fmt: skip
    def beat(self, name, status, progress, late, about):
        """Send a true report, which is never refused."""
        Heartbeat.objects.create(
            builder_id=name,
            task_id=Builder.objects.get(pk=name).current_task_id if about else None,
            status=status,
            progress_percentage=progress,
            timestamp=now() - timedelta(seconds=late),
        )

    @rule(name=builder_ids)
    def fall_silent(self, name):
        long_ago = now() - timedelta(days=1)
        Builder.objects.filter(pk=name).update(
            last_heartbeat=long_ago, heard_at=long_ago, assigned_at=long_ago
        )
        declare_stalls()

    @rule(name=builder_ids, green=st.booleans(), told=st.booleans())
    def claim(self, name, green, told):
        builder = Builder.objects.get(pk=name)
        if task := builder.current_task:
            if green and task.qa_suite_location:
                actions.record_qa_execution(task, passing=5, failing=0, by=builder)
            self.attempt(
                actions.claim_completion, task, evidence_location="s3://" * told, by=builder
            )

    @rule(n=nth, override=overrides)
    def complete(self, n, override):
        task = pick(Task.objects.filter(state="in-progress") or Task.objects, n)
        self.attempt(
            complete_task, task, evidence_location="s3://", by=self.person, override=override
        )

    # --- all goes well: without it, chance alone would seldom bring anything to its end -----------

    @rule(everywhere=st.booleans(), n=nth, name=builder_ids)
    def go_on(self, everywhere, n, name):
        """Take the next step with a task, or with all: towards its end, by the rules."""
        self.get_going()
        tasks = Task.objects.exclude(state__in=["completed", "blocked"]).filter(
            wave__state="in-progress"
        )
        for task in tasks.order_by("pk") if everywhere else filter(None, [pick(tasks, n)]):
            self.step(task, name)

    def step(self, task, name):
        holder = task.holders.first()
        if task.state == "failed":
            self.attempt(move, task, "planned", by=self.person)
        elif task.state == "planned" and not task.qa_suite_location:
            self.attempt(start_task, task, by=self.person)
        elif task.state == "planned":
            actions.record_validation(task, validation_results={"docs": {"a": True}}, by=None)
            actions.record_qa_execution(task, passing=0, failing=5, by=None)
            self.attempt(assign_task, task, Builder(pk=name), by=self.person)
        elif holder:
            self.beat(holder.pk, "active", None, 0, True)
            if task.state == "in-progress":
                self.claim(holder.pk, True, True)
        else:
            self.attempt(complete_task, task, evidence_location="s3://", by=self.person)

    @rule()
    def clear_up(self):
        """Resolve everything that is open, and send a heartbeat of every builder."""
        for violation in GovernanceViolation.objects.unresolved():
            self.attempt(actions.resolve_violation, violation, resolution="Repaid.", by=self.person)
        for blocker in Blocker.objects.open():
            self.attempt(
                actions.resolve_blocker, blocker, resolution_action="Open.", by=self.person
            )
        for name in ("ui-builder", "api-builder"):
            self.beat(name, "idle", None, 0, True)

    # --- the judgement ----------------------------------------------------------------------------

    @rule(n=nth, ready=st.booleans())
    def validate(self, n, ready):
        if task := pick(Task.objects, n):
            results = {"docs": {"design": True, "diagram": ready}}
            actions.record_validation(task, validation_results=results, by=None)

    @rule(n=nth, passing=st.integers(0, 5), by=builder_ids)
    def run_the_suite(self, n, passing, by):
        if task := pick(Task.objects.exclude(qa_suite_location=""), n):
            actions.record_qa_execution(
                task, passing=passing, failing=5 - passing, by=Builder.objects.get(pk=by)
            )

    @rule(n=nth, kind=st.sampled_from([Program, Wave, Task, Task]), what=classifications)
    def raise_a_blocker(self, n, kind, what):
        self.attempt(
            actions.raise_blocker, pick(kind.objects, n), classification=what,
            description="A lock.", by=self.person,
        )  # fmt: skip

    @rule(n=nth)
    def resolve_a_blocker(self, n):
        blocker = pick(Blocker.objects.open(), n)
        self.attempt(actions.resolve_blocker, blocker, resolution_action="Open.", by=self.person)

    @rule(n=nth)
    def break_a_rule(self, n):
        if task := pick(Task.objects, n):
            GovernanceViolation.objects.create(task=task, violation_type="debt", description="53")

    @rule(n=nth)
    def repair_it(self, n):
        violation = pick(GovernanceViolation.objects.unresolved(), n)
        self.attempt(actions.resolve_violation, violation, resolution="Repaid.", by=self.person)

    # --- in order ---------------------------------------------------------------------------------

    @invariant()
    def nothing_is_out_of_order(self):
        assert out_of_order(self.forced) == []

    @invariant()
    def every_move_is_in_its_lifecycle_or_was_forced(self):
        models = {model._meta.model_name: model for model in (Program, Wave, Task)}
        for told in Evidence.objects.filter(sequence__gt=self.seen).order_by("sequence"):
            self.seen = told.sequence
            if told.entity_type in models and told.action == "state_changed":
                old, new = told.context["from"], told.context["to"]
                moves = models[told.entity_type].MOVES[old]
                if told.entity_type == "task" and old == "planned":
                    moves = moves | {"in-progress"}  # the foreman's own
                assert new in moves or told.context.get("override")

    @invariant()
    def all_evidence_is_there(self):
        assert Replay().first_difference() is None
        for model, action in (
            (QAExecution, "qa_run_recorded"),
            (ArchitectureValidation, "validation_recorded"),
            (GovernanceViolation, "violation_recorded"),
        ):
            assert model.objects.count() == Evidence.objects.filter(action=action).count()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_whatever_anybody_does_the_office_is_in_order():
    run_state_machine_as_test(
        Office,
        settings=settings(
            examples(3), stateful_step_count=30, suppress_health_check=list(HealthCheck)
        ),
    )
