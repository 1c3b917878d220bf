"""The judgement: blockers, violations, validations, QA runs, evidence (contract 1.5, 1.7-1.10)."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from builders.models import Builder
from foreman_office.kit.sql import AmongThose, ContractNow, Identity, RandomUUID
from programs.models import Program, Task, TaskState, Wave, one_of


class BlockedEntity(models.TextChoices):
    PROGRAM = "program"
    WAVE = "wave"
    TASK = "task"


class Classification(models.TextChoices):
    ARCHITECTURE_QA_MISMATCH = "architecture_qa_mismatch", "Architecture and QA disagree"
    IMPOSSIBLE_REQUIREMENTS = "impossible_requirements", "Impossible requirements"
    PROTECTED_PATH = "protected_path", "Protected path"
    REPEATED_FAILURES = "repeated_failures", "Repeated failures"
    CONSTITUTIONAL_VIOLATION = "constitutional_violation", "Constitutional violation"
    BUILDER_STALL = "builder_stall", "Builder stall"


class Readiness(models.TextChoices):
    READY = "READY", "Ready"
    NOT_READY = "NOT_READY", "Not ready"


class QAStatus(models.TextChoices):
    RED = "RED", "Red"
    PARTIAL = "PARTIAL", "Partial"
    GREEN = "GREEN", "Green"


class EvidenceEntity(models.TextChoices):
    PROGRAM = "program"
    WAVE = "wave"
    TASK = "task"
    BUILDER = "builder"


def within(entity: Program | Wave | Task) -> Q:
    """Match what speaks of a program, wave or task, or of anything inside it."""
    of = Q(entity_type=entity._meta.model_name, entity_id=entity.pk)
    if isinstance(entity, Program):
        of |= Q(AmongThose("entity_id", entity.waves.values("pk")), entity_type="wave")
        tasks = Task.objects.filter(wave__program=entity)
        of |= Q(AmongThose("entity_id", tasks.values("pk")), entity_type="task")
    elif isinstance(entity, Wave):
        of |= Q(AmongThose("entity_id", entity.tasks.values("pk")), entity_type="task")
    return of


def by_age(noun: str, key: str) -> list[models.Index]:
    """Return the indexes for what came last and what was resolved last."""
    return [
        models.Index(F("detected_at").desc(), F(key).desc(), name=f"idx_{noun}_detected"),
        models.Index(
            F("resolved_at").desc(),
            F(key).desc(),
            name=f"idx_{noun}_resolved",
            condition=Q(resolved_at__isnull=False),
        ),
    ]


class BlockerQuerySet(models.QuerySet):
    def open(self):
        return self.filter(resolved_at=None)

    def within(self, entity):
        """Blockers of a program, wave or task and of everything inside it."""
        return self.filter(within(entity))

    def of(self, entity):
        """Blockers of one program, wave or task."""
        return self.filter(entity_type=entity._meta.model_name, entity_id=entity.pk)


class Blocker(models.Model):
    Entity = BlockedEntity
    Classification = Classification

    blocker_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    entity_type = models.TextField(choices=BlockedEntity)
    entity_id = models.UUIDField()
    classification = models.TextField(choices=Classification)
    description = models.TextField()
    detected_at = models.DateTimeField(db_default=ContractNow())
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolution_action = models.TextField(null=True, blank=True)
    # Beside the contract: how often the same trouble came.
    occurrences = models.IntegerField(db_default=1, editable=False)

    objects = BlockerQuerySet.as_manager()

    class Meta:
        db_table = "blockers"
        constraints = [
            one_of("blockers", "entity_type", BlockedEntity),
            one_of("blockers", "classification", Classification),
            models.UniqueConstraint(
                fields=["entity_type", "entity_id", "classification"],
                condition=Q(resolved_at=None),
                name="blockers_one_open_per_entity_and_classification",
                violation_error_message="This is already open as a blocker.",
            ),
        ]
        indexes = [
            models.Index("entity_type", "entity_id", name="idx_blockers_entity"),
            models.Index(
                "resolved_at", name="idx_blockers_unresolved", condition=Q(resolved_at=None)
            ),
            *by_age("blockers", "blocker_id"),
        ]

    def __str__(self) -> str:
        return f"{self.get_classification_display()} on a {self.entity_type}"


class GovernanceViolationQuerySet(models.QuerySet):
    def unresolved(self):
        return self.filter(resolved_at=None)


class GovernanceViolation(models.Model):
    violation_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task,
        models.PROTECT,
        related_name="violations",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    builder = models.ForeignKey(
        Builder,
        models.PROTECT,
        related_name="violations",
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
    )
    violation_type = models.TextField()
    description = models.TextField()
    detected_at = models.DateTimeField(db_default=ContractNow())
    resolution = models.TextField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = GovernanceViolationQuerySet.as_manager()

    class Meta:
        db_table = "governance_violations"
        indexes = [
            models.Index("task", name="idx_violations_task"),
            models.Index("builder", name="idx_violations_builder"),
            models.Index(
                "resolved_at", name="idx_violations_unresolved", condition=Q(resolved_at=None)
            ),
            *by_age("violations", "violation_id"),
        ]

    def __str__(self) -> str:
        return self.violation_type


class ArchitectureValidation(models.Model):
    Readiness = Readiness

    validation_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="validations", db_constraint=False, db_index=False
    )
    architecture_reference = models.TextField()
    validation_results = models.JSONField()
    pass_rate = models.DecimalField(max_digits=5, decimal_places=2)
    build_readiness = models.TextField(choices=Readiness)
    validated_at = models.DateTimeField(db_default=ContractNow())
    validated_by = models.TextField(db_default="foreman")

    class Meta:
        db_table = "architecture_validations"
        constraints = [
            models.CheckConstraint(
                condition=Q(pass_rate__range=(0, 100)),
                name="architecture_validations_pass_rate_check",
                violation_error_message="pass_rate must be between 0 and 100.",
            ),
            one_of("architecture_validations", "build_readiness", Readiness),
            # The contract leaves READY undefined: it is exactly a full pass.
            models.CheckConstraint(
                condition=Q(build_readiness="READY", pass_rate=100)
                | Q(build_readiness="NOT_READY", pass_rate__lt=100),
                name="architecture_validations_ready_means_all",
                violation_error_message="READY means a pass rate of 100, and nothing else does.",
            ),
        ]
        indexes = [
            models.Index("task", name="idx_arch_validations_task"),
            # Beside the contract: the newest, and what became of each.
            models.Index(
                F("validated_at").desc(),
                F("validation_id").desc(),
                name="idx_arch_validations_newest",
            ),
            models.Index(
                fields=["-validated_at", "-validation_id"],
                include=["build_readiness"],
                name="idx_arch_validations_ready",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_build_readiness_display()}, {self.pass_rate} %"

    @property
    def sections(self) -> list[tuple[str, list[tuple[str, bool]]]]:
        """The checklist, section by section, what did not pass first. Some are a score alone."""
        results = self.validation_results
        return [
            (section, sorted(items.items(), key=lambda item: item[1] is True))
            for section, items in (results.items() if isinstance(results, dict) else ())
            if isinstance(items, dict)
        ]

    @property
    def not_passed(self) -> list[str]:
        return [item for _, items in self.sections for item, passed in items if passed is not True]


class QAExecution(models.Model):
    Status = QAStatus

    execution_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="qa_executions", db_constraint=False, db_index=False
    )
    qa_suite_location = models.TextField("QA suite location")
    total_tests = models.IntegerField()
    passing_tests = models.IntegerField()
    failing_tests = models.IntegerField()
    skipped_tests = models.IntegerField()
    test_debt_count = models.IntegerField(db_default=0)
    qa_status = models.TextField("QA status", choices=QAStatus)
    executed_at = models.DateTimeField(db_default=ContractNow())
    execution_time_ms = models.IntegerField("execution time (ms)", null=True, blank=True)

    class Meta:
        db_table = "qa_executions"
        verbose_name = "QA execution"
        constraints = [
            one_of("qa_executions", "qa_status", QAStatus),
            models.CheckConstraint(
                condition=Q(
                    passing_tests__gte=0,
                    failing_tests__gte=0,
                    skipped_tests__gte=0,
                    test_debt_count__gte=0,
                ),
                name="qa_executions_counts_not_negative",
                violation_error_message="A count of tests cannot be negative.",
            ),
            # The contract leaves the edges of the status open: it is what the counts say.
            models.CheckConstraint(
                condition=Q(qa_status="RED", passing_tests=0)
                | Q(
                    qa_status="GREEN",
                    passing_tests__gt=0,
                    total_tests=F("passing_tests"),
                    test_debt_count=0,
                )
                | Q(
                    ~Q(total_tests=F("passing_tests")) | Q(test_debt_count__gt=0),
                    qa_status="PARTIAL",
                    passing_tests__gt=0,
                ),
                name="qa_executions_status_follows_counts",
                violation_error_message=(
                    "GREEN means that there are tests, all pass and there is no debt; RED that"
                    " nothing passes; PARTIAL is everything between."
                ),
            ),
            models.CheckConstraint(
                condition=Q(
                    total_tests=F("passing_tests") + F("failing_tests") + F("skipped_tests")
                ),
                name="qa_executions_counts_add_up",
                violation_error_message="total_tests must be passing + failing + skipped.",
            ),
        ]
        indexes = [
            models.Index("task", F("executed_at").desc(), name="idx_qa_executions_task"),
            # Beside the contract: how the latest run of each suite ended, the newest of all and
            # what a chart tells of them, and the few that tell of test debt.
            models.Index(
                fields=["task", "qa_suite_location", "-executed_at", "-execution_id"],
                include=["qa_status"],
                name="idx_qa_executions_latest",
            ),
            models.Index(
                F("executed_at").desc(), F("execution_id").desc(), name="idx_qa_executions_newest"
            ),
            models.Index(
                fields=["-executed_at", "-execution_id"],
                include=["qa_status", "passing_tests", "total_tests"],
                name="idx_qa_executions_figures",
            ),
            models.Index(
                F("executed_at").desc(),
                F("execution_id").desc(),
                name="idx_qa_executions_debt",
                condition=Q(test_debt_count__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.qa_status}, {self.passing_tests} of {self.total_tests}"


class LatestRun(models.Model):
    """What the latest run of each suite says; a suite is a task's, at its location.

    Beside the contract. Triggers keep it, and refuse whoever else would write it, so that how all
    suites are now is told without looking for the latest among all runs there ever were.
    """

    execution = models.OneToOneField(
        QAExecution, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    task = models.ForeignKey(
        Task, models.DO_NOTHING, related_name="latest_runs", db_constraint=False, db_index=False
    )
    qa_suite_location = models.TextField()
    executed_at = models.DateTimeField()
    qa_status = models.TextField(choices=QAStatus)
    total_tests = models.IntegerField()
    passing_tests = models.IntegerField()
    failing_tests = models.IntegerField()
    skipped_tests = models.IntegerField()
    test_debt_count = models.IntegerField()

    class Meta:
        db_table = "qa_latest_runs"
        constraints = [
            models.UniqueConstraint(
                fields=["task", "qa_suite_location"],
                name="qa_latest_runs_task_id_qa_suite_location_key",
            ),
        ]
        indexes = [
            # All figures from the index alone; the few that are not green, or in debt.
            models.Index(
                fields=["executed_at"],
                include=[
                    *("qa_status", "total_tests", "passing_tests", "failing_tests"),
                    *("skipped_tests", "test_debt_count"),
                ],
                name="idx_qa_latest_runs_figures",
            ),
            models.Index(
                fields=["qa_status", "executed_at"],
                name="idx_qa_latest_runs_not_green",
                condition=~Q(qa_status=QAStatus.GREEN),
            ),
            models.Index(
                fields=["test_debt_count", "executed_at"],
                name="idx_qa_latest_runs_debt",
                condition=Q(test_debt_count__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.qa_status}, {self.passing_tests} of {self.total_tests}"


class TestOutcome(models.TextChoices):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class QATestResult(models.Model):
    """One test of a run, where its report names the tests. Beside the contract."""

    Outcome = TestOutcome

    execution = models.ForeignKey(
        QAExecution, models.CASCADE, related_name="results", db_constraint=False, db_index=False
    )
    name = models.TextField()
    outcome = models.TextField(choices=TestOutcome)
    # It failed at first and passed when it was run again in the same run.
    flaky = models.BooleanField(db_default=False)
    message = models.TextField(null=True, blank=True)

    class Meta:
        db_table = "qa_test_results"
        verbose_name = "QA test result"
        constraints = [
            models.UniqueConstraint(
                fields=["execution", "name"], name="qa_test_results_execution_id_name_key"
            ),
            one_of("qa_test_results", "outcome", TestOutcome),
        ]
        indexes = [
            models.Index("execution", name="idx_qa_test_results_flaky", condition=Q(flaky=True)),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


class CompletionClaim(models.Model):
    """A builder said "done": when, and what the gate answered then. Beside the contract.

    The answer is kept as it was given; whether the task could be completed now is asked anew.
    """

    claim_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="claims", db_constraint=False, db_index=False
    )
    builder = models.ForeignKey(
        Builder, models.PROTECT, related_name="claims", db_constraint=False, db_index=False
    )
    claimed_at = models.DateTimeField(db_default=ContractNow())
    accepted = models.BooleanField()
    conditions = models.JSONField(db_default=[])

    class Meta:
        db_table = "completion_claims"
        indexes = [
            models.Index("task", F("claimed_at").desc(), name="idx_claims_task"),
            models.Index("builder", F("claimed_at").desc(), name="idx_claims_builder"),
        ]

    def __str__(self) -> str:
        return f"{self.builder_id}: {'done' if self.accepted else 'not done'}"


class RefusedAct(models.Model):
    """How often a rule refused somebody's act. Beside the contract.

    A number, and not a row for each time: whoever is refused all day long fills nothing.
    """

    pk = models.CompositePrimaryKey("rule", "actor")
    rule = models.TextField()
    actor = models.TextField()
    occurrences = models.BigIntegerField(db_default=1)
    first_at = models.DateTimeField(db_default=ContractNow())
    last_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "refused_acts"

    def __str__(self) -> str:
        return f"{self.rule}, {self.actor}: {self.occurrences}"


class WatcherQuerySet(models.QuerySet):
    def alive(self):
        """Watchers whose last sweep is younger than three of their periods, by the database."""
        return self.filter(swept_at__gt=Now() - F("period") * 3)


class Watcher(models.Model):
    """A process that sweeps for stalls; its row goes when it stops."""

    watcher_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    host = models.TextField()
    pid = models.IntegerField()
    period = models.DurationField()
    started_at = models.DateTimeField(db_default=ContractNow())
    swept_at = models.DateTimeField(db_default=ContractNow())
    pruned_at = models.DateTimeField(null=True, blank=True)
    sweeps = models.BigIntegerField(db_default=0)
    stalls = models.BigIntegerField(db_default=0)

    objects = WatcherQuerySet.as_manager()

    class Meta:
        db_table = "watchers"
        constraints = [
            models.CheckConstraint(
                condition=Q(period__gt=timedelta(0)), name="watchers_period_check"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


# Not the loading of a history by an import.
HAPPENED = ~Q(context__has_key="import")
BY_SOMEBODY = Q(context__has_key="user")
FORCED = Q(context__has_key="override")
# By which the number of completed tasks changes: made so, become so, or no longer so.
COMPLETIONS = Q(
    Q(action="created", context__snapshot__state=TaskState.COMPLETED.value)
    | Q(action="state_changed", context__to=TaskState.COMPLETED.value)
    | Q(action="state_changed", context__from=TaskState.COMPLETED.value),
    entity_type="task",
    witnessed=True,
)


def newest(name: str, *columns: Any, **options: Any) -> models.Index:
    return models.Index(*columns, F("timestamp").desc(), F("sequence").desc(), name=name, **options)


class EvidenceQuerySet(models.QuerySet):
    def within(self, entity):
        """The trail of a program, wave or task and of everything inside it."""
        return self.filter(within(entity))

    def as_it_happened(self):
        """Leave out what an import wrote: the loading of a history is not its events."""
        return self.filter(HAPPENED)

    def by_person(self, username):
        """What somebody did by name, and not only as the foreman."""
        return self.alias(person=KT("context__user")).filter(BY_SOMEBODY, person=username)

    def forced(self):
        """What passed lifecycles and gates by an override."""
        return self.filter(FORCED)

    def recent(self):
        """What happened, newest first. That an import loaded it is no event of the plan."""
        return self.as_it_happened().order_by("-timestamp", "-sequence")

    def of(self, entity):
        """The trail of one program, wave, task or builder."""
        return self.filter(
            entity_type=entity._meta.model_name, entity_id=getattr(entity, "entity_id", entity.pk)
        )


class Evidence(models.Model):
    """One act in the trail. Written by triggers; the database refuses to change or remove it."""

    Entity = EvidenceEntity

    evidence_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    entity_type = models.TextField(choices=EvidenceEntity)
    entity_id = models.UUIDField()
    action = models.TextField()
    actor = models.TextField()
    backend = models.TextField(null=True, blank=True)
    model = models.TextField(null=True, blank=True)
    context = models.JSONField(db_default={})
    timestamp = models.DateTimeField(db_default=ContractNow())
    # Beside the contract: a number to page and follow by, and whether a trigger saw the act.
    sequence = models.BigIntegerField(unique=True, editable=False, db_default=Identity())
    witnessed = models.BooleanField(db_default=False, editable=False)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        db_table = "evidence_trail"
        verbose_name_plural = "evidence"
        constraints = [
            one_of("evidence_trail", "entity_type", EvidenceEntity),
        ]
        indexes = [
            models.Index(
                "entity_type", "entity_id", F("timestamp").desc(), name="idx_evidence_entity"
            ),
            models.Index(F("timestamp").desc(), name="idx_evidence_timestamp"),
            # Beside the contract. The rows of one transaction share its time, and an import has
            # very many: only with the number behind it is the time an order.
            newest("idx_evidence_newest"),
            newest("idx_evidence_happened", condition=HAPPENED),
            # Acts of a kind come in heaps, as a plan is made before anybody works on it.
            newest("idx_evidence_kind", "entity_type", condition=HAPPENED),
            newest("idx_evidence_actor", "actor"),
            newest("idx_evidence_action", "action"),
            newest("idx_evidence_person", KT("context__user"), condition=BY_SOMEBODY),
            newest("idx_evidence_forced", condition=FORCED),
            models.Index("entity_id", condition=COMPLETIONS, name="idx_evidence_completions"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


# Governance watches from outside: as its triggers hang on the tables of the plan, so its questions
# hang on the models, and the plan need not know who asks.
for model in (Program, Wave, Task):
    model.add_to_class("blockers", property(Blocker.objects.within))
    model.add_to_class("evidence", property(Evidence.objects.within))
Builder.add_to_class("evidence", property(Evidence.objects.of))
