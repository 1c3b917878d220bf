"""One factory per model: a row as it may stand in a real office, each detail open to the test."""

from datetime import UTC, datetime, timedelta

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.timezone import now
from factory.django import DjangoModelFactory

from builders.models import (
    Builder,
    BuilderPause,
    BuilderToken,
    CIToken,
    Heartbeat,
    OfficeAbsence,
    Question,
)
from foreman_office.notifications.secrets import encrypt
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Budget,
    Channel,
    CompletionClaim,
    Delivery,
    EntityNote,
    GovernanceViolation,
    OrganisationMember,
    QAExecution,
)
from kit.core.acts import act
from programs.models import Organisation, PlanNote, Program, Task, TaskLink, TaskNote, Wave


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


class OrganisationFactory(DjangoModelFactory):
    class Meta:
        model = Organisation

    name = factory.Sequence(lambda n: f"Organisation {n}")


class OrganisationMemberFactory(DjangoModelFactory):
    class Meta:
        model = OrganisationMember

    organisation = factory.SubFactory(OrganisationFactory)
    user = factory.SubFactory(UserFactory)
    role = "foreman"


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
    """The five builders exist after migrate: this finds one, heard, and sets what it is told."""

    class Meta:
        model = Builder
        django_get_or_create = ("builder_id",)

    builder_id = "ui-builder"

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        builder = model_class.objects.get(pk=kwargs.pop("builder_id"))
        if builder.heard_at is None or "last_heartbeat" in kwargs:
            kwargs.setdefault("heard_at", kwargs.get("last_heartbeat", builder.last_heartbeat))
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
    received_at = factory.SelfAttribute("timestamp")
    status = Heartbeat.Status.ACTIVE
    message = "at work"


class BuilderTokenFactory(DjangoModelFactory):
    class Meta:
        model = BuilderToken

    builder = factory.SubFactory(BuilderFactory)
    prefix = "fo_test"
    digest = factory.Sequence(lambda n: n.to_bytes(32, "big"))


class CITokenFactory(DjangoModelFactory):
    class Meta:
        model = CIToken

    name = "pipeline"
    prefix = "fc_test"
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


class TaskLinkFactory(DjangoModelFactory):
    class Meta:
        model = TaskLink

    task = factory.SubFactory(TaskFactory)
    kind = "commit"
    url = factory.Sequence(lambda n: f"https://git.example.org/lamps/commit/{n}")
    label = "The hold expires"
    added_by = "ui-builder"


class TaskNoteFactory(DjangoModelFactory):
    class Meta:
        model = TaskNote

    task = factory.SubFactory(TaskFactory)
    text = "The hold expires **by itself** now."
    written_by = "ui-builder"


class EntityNoteFactory(DjangoModelFactory):
    """A note on a wave."""

    class Meta:
        model = EntityNote

    class Params:
        wave = factory.SubFactory(WaveFactory)

    about_kind = entity_type = "wave"
    about_key = factory.LazyAttribute(lambda note: str(note.wave.pk))
    about_name = factory.LazyAttribute(lambda note: str(note.wave))
    entity_id = factory.LazyAttribute(lambda note: note.wave.pk)
    text = "The hold expires **by itself** now."
    written_by = "johan"


class QuestionFactory(DjangoModelFactory):
    """A question of the builder that has the task."""

    class Meta:
        model = Question

    task = factory.SubFactory(TaskFactory, state="in-progress")
    builder = factory.LazyAttribute(lambda question: holder_of(question.task))
    question = "The architecture names two fields for the expiry. Which one is right?"


def holder_of(task):
    """Return the builder that has a task; without one, a builder is given it, from another one."""
    if holder := task.holders.first():
        return holder
    if not Builder.objects.filter(current_task=None).exists():
        Builder.objects.filter(pk="ui-builder").update(current_task=None)
    name = Builder.objects.filter(current_task=None).first().pk
    return BuilderFactory(builder_id=name, current_task=task)


class BudgetFactory(DjangoModelFactory):
    class Meta:
        model = Budget

    program = factory.SubFactory(ProgramFactory)
    amount = 100
    reason = "What the client pays."


class OfficeAbsenceFactory(DjangoModelFactory):
    """A closure of ten minutes; none begins when another does."""

    class Meta:
        model = OfficeAbsence

    began_at = factory.Sequence(lambda n: datetime(2026, 3, 4, tzinfo=UTC) + timedelta(minutes=n))
    ended_at = factory.LazyAttribute(lambda absence: absence.began_at + timedelta(minutes=10))

    @classmethod
    def _create(cls, model_class, began_at, ended_at):
        """Note it past the rule that only the watcher's function does."""
        # Imported here, because pytest rewrites that module when it loads it as a plugin.
        from tests.database import as_administrator, without_triggers

        with transaction.atomic(), without_triggers():
            as_administrator(
                "INSERT INTO public.office_absences (began_at, ended_at) VALUES (%s, %s)",
                began_at,
                ended_at,
            )
        return model_class.objects.get(began_at=began_at)


class PlanNoteFactory(DjangoModelFactory):
    class Meta:
        model = PlanNote

    program = factory.SubFactory(ProgramFactory, state="planned")
    note = "The second wave is too thin."
    written_by = "foreman"


class CompletionClaimFactory(DjangoModelFactory):
    class Meta:
        model = CompletionClaim

    task = factory.SubFactory(TaskFactory)
    builder = factory.SubFactory(BuilderFactory)
    accepted = False


class DetectedFactory(DjangoModelFactory):
    """A row that is resolved was detected no later."""

    class Meta:
        abstract = True

    @classmethod
    def _adjust_kwargs(cls, **kwargs):
        if kwargs.get("resolved_at"):
            kwargs.setdefault("detected_at", kwargs["resolved_at"])
        return kwargs


class BlockerFactory(DetectedFactory):
    """A blocker on `entity`, which may be a program, a wave or a task."""

    class Meta:
        model = Blocker

    class Params:
        entity = factory.SubFactory(TaskFactory)

    entity_type = factory.LazyAttribute(lambda blocker: blocker.entity._meta.model_name)
    entity_id = factory.LazyAttribute(lambda blocker: blocker.entity.pk)
    classification = Blocker.Classification.REPEATED_FAILURES
    description = "Three runs in a row without progress."


class GovernanceViolationFactory(DetectedFactory):
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
    """A run whose total and status follow from its counts. It came in when it was made."""

    class Meta:
        model = QAExecution
        skip_postgeneration_save = True

    task = factory.SubFactory(TaskFactory)
    qa_suite_location = "tests/escalation/"
    passing_tests = 10
    failing_tests = 0
    skipped_tests = 0
    total_tests = factory.LazyAttribute(
        lambda run: run.passing_tests + run.failing_tests + run.skipped_tests
    )
    executed_at = factory.Sequence(lambda n: now() - timedelta(days=1) + timedelta(seconds=n))
    ended_at = factory.SelfAttribute("executed_at")
    arrived_at = factory.SelfAttribute("executed_at")
    qa_status = ""  # which the database fills in

    @factory.post_generation
    def settled(self, create, extracted, **kwargs):
        """Reload the row as the database made it."""
        if create:
            self.refresh_from_db()


class ChannelFactory(DjangoModelFactory):
    """A webhook, unless the test says otherwise; `address` and `secret` are encrypted."""

    class Meta:
        model = Channel

    class Params:
        address = "https://hooks.example.org/services/T0/secret"
        secret = "whsec_" + "QUJD" * 10

    name = factory.Sequence(lambda n: f"channel {n}")
    kind = Channel.Kind.WEBHOOK
    address_encrypted = factory.LazyAttribute(lambda channel: encrypt(channel.address))
    secret_encrypted = factory.LazyAttribute(lambda channel: encrypt(channel.secret))
    shown = "https://hooks.example.org/…"


class DeliveryFactory(DjangoModelFactory):
    """A test message to a channel."""

    class Meta:
        model = Delivery

    reason = Delivery.Reason.TEST
    channel = factory.SubFactory(ChannelFactory)
    target = factory.LazyAttribute(lambda row: f"channel-{row.channel.pk}")
    addressee = factory.LazyAttribute(lambda row: row.channel.name)
