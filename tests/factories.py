"""One factory per model: a row as it may stand in a real office, each detail open to the test."""

from datetime import timedelta

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils.timezone import now
from factory.django import DjangoModelFactory

from builders.models import Builder, BuilderPause, BuilderToken, Heartbeat
from foreman_office.kit.acts import act
from governance.models import (
    ArchitectureValidation,
    Blocker,
    CompletionClaim,
    GovernanceViolation,
    QAExecution,
)
from programs.models import Program, Task, Wave


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    password = factory.django.Password("a password")

    @factory.post_generation
    def roles(user, create, names):
        """The groups of a person, who is a foreman unless the test says otherwise."""
        user.groups.set(Group.objects.filter(name__in=["foreman"] if names is None else names))


class ProgramFactory(DjangoModelFactory):
    class Meta:
        model = Program

    name = factory.Sequence(lambda n: f"Program {n}")
    description = "A program of work."
    state = Program.State.IN_PROGRESS


class WaveFactory(DjangoModelFactory):
    class Meta:
        model = Wave

    program = factory.SubFactory(ProgramFactory)
    name = factory.LazyAttribute(lambda wave: f"Wave {wave.sequence_number}")
    sequence_number = factory.Sequence(lambda n: n + 1)
    state = Wave.State.IN_PROGRESS


class TaskFactory(DjangoModelFactory):
    class Meta:
        model = Task

    wave = factory.SubFactory(WaveFactory)
    name = factory.Sequence(lambda n: f"Task {n}")
    architecture_reference = "architecture/escalation.md"
    qa_suite_location = "tests/escalation/"
    acceptance_criteria = "- every test passes\n- no test debt"
    state = Task.State.PLANNED


class BuilderFactory(DjangoModelFactory):
    """The five builders exist after migrate: this finds one, and sets what it is told."""

    class Meta:
        model = Builder
        django_get_or_create = ("builder_id",)

    builder_id = "ui-builder"

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        builder = model_class.objects.get(pk=kwargs.pop("builder_id"))
        for field, value in kwargs.items():
            setattr(builder, field, value)
        if (task := kwargs.get("current_task")) and task.assigned_builder != builder.pk:
            task.assigned_builder = builder.pk  # what a builder holds is assigned to it
            with act(None, override="the scene of a test"):
                task.save(update_fields=["assigned_builder"])
        if kwargs:
            builder.save(update_fields=list(kwargs))
        return builder


class HeartbeatFactory(DjangoModelFactory):
    class Meta:
        model = Heartbeat

    builder = factory.SubFactory(BuilderFactory)
    timestamp = factory.LazyFunction(now)
    status = Heartbeat.Status.ACTIVE
    message = "at work"


class BuilderTokenFactory(DjangoModelFactory):
    class Meta:
        model = BuilderToken

    builder = factory.SubFactory(BuilderFactory)
    prefix = "fo_test"
    digest = factory.Sequence(lambda n: n.to_bytes(32, "big"))


class BuilderPauseFactory(DjangoModelFactory):
    """A pause that is over: one that runs has a builder to itself."""

    class Meta:
        model = BuilderPause

    builder = factory.SubFactory(BuilderFactory)
    reason = "A new disk."
    started_at = factory.LazyFunction(lambda: now() - timedelta(hours=2))
    ends_at = factory.LazyFunction(lambda: now() - timedelta(hours=1))
    ended_at = factory.SelfAttribute("ends_at")


class CompletionClaimFactory(DjangoModelFactory):
    class Meta:
        model = CompletionClaim

    task = factory.SubFactory(TaskFactory)
    builder = factory.SubFactory(BuilderFactory)
    accepted = False


class BlockerFactory(DjangoModelFactory):
    """A blocker on `entity`, which may be a program, a wave or a task."""

    class Meta:
        model = Blocker

    class Params:
        entity = factory.SubFactory(TaskFactory)

    entity_type = factory.LazyAttribute(lambda blocker: blocker.entity._meta.model_name)
    entity_id = factory.LazyAttribute(lambda blocker: blocker.entity.pk)
    classification = Blocker.Classification.REPEATED_FAILURES
    description = "Three runs in a row without progress."


class GovernanceViolationFactory(DjangoModelFactory):
    class Meta:
        model = GovernanceViolation

    task = factory.SubFactory(TaskFactory)
    violation_type = "test debt"
    description = "New tests were added while others failed."


class ArchitectureValidationFactory(DjangoModelFactory):
    class Meta:
        model = ArchitectureValidation

    task = factory.SubFactory(TaskFactory)
    architecture_reference = "architecture/escalation.md"
    validation_results = factory.LazyFunction(lambda: {"documents": {"design": True}})
    pass_rate = 100
    build_readiness = ArchitectureValidation.Readiness.READY


class QAExecutionFactory(DjangoModelFactory):
    """A run whose total and status follow from its counts."""

    class Meta:
        model = QAExecution

    task = factory.SubFactory(TaskFactory)
    qa_suite_location = "tests/escalation/"
    passing_tests = 10
    failing_tests = 0
    skipped_tests = 0
    total_tests = factory.LazyAttribute(
        lambda run: run.passing_tests + run.failing_tests + run.skipped_tests
    )
    executed_at = factory.Sequence(lambda n: now() - timedelta(days=1) + timedelta(seconds=n))

    @factory.lazy_attribute
    def qa_status(self):
        if not self.passing_tests:
            return QAExecution.Status.RED
        clean = self.passing_tests == self.total_tests and not getattr(self, "test_debt_count", 0)
        return QAExecution.Status.GREEN if clean else QAExecution.Status.PARTIAL
