"""QA runs, and what the latest run of each suite says (contract 1.10)."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q

from kit.core.bounds import fits_index
from kit.core.sql import ContractNow, RandomUUID, fits_index_check
from kit.web.addresses import address_of
from programs.models import Task, one_of


class QAStatus(models.TextChoices):
    RED = "RED", "Red"
    PARTIAL = "PARTIAL", "Partial"
    GREEN = "GREEN", "Green"


class QAExecution(models.Model):
    Status = QAStatus

    execution_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, related_name="qa_executions", db_constraint=False, db_index=False
    )
    qa_suite_location = models.TextField("QA suite location", validators=[fits_index])
    total_tests = models.IntegerField()
    passing_tests = models.IntegerField()
    failing_tests = models.IntegerField()
    skipped_tests = models.IntegerField()
    test_debt_count = models.IntegerField(db_default=0)
    # What counts and `against` say. A trigger fills it in where it is left out.
    qa_status = models.TextField("QA status", choices=QAStatus)
    # When it was made, never ahead of the office's clock; when it arrived, if that is unknown.
    executed_at = models.DateTimeField(db_default=ContractNow())
    execution_time_ms = models.IntegerField("execution time (ms)", null=True, blank=True)
    # Beside the contract. What speaks against the run beside its tests, a sentence each: a run with
    # any is not green. And what is worth knowing, and decides nothing.
    against = models.JSONField(db_default=[], blank=True)
    remarks = models.JSONField(db_default=[], blank=True)
    # How many of its tests were never tests: a module that could not be imported, a hook.
    never_tests = models.IntegerField(db_default=0)
    # When it came in, and a number that keeps the order of one moment. Set by a trigger.
    arrived_at = models.DateTimeField(null=True, editable=False)
    recorded = models.BigIntegerField(null=True, editable=False)
    # What its sender says: when it ended, whether in a zone that is known, and how.
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_zone_known = models.BooleanField(db_default=True)
    exit_code = models.BigIntegerField(null=True, blank=True)

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
            # The contract leaves the edges of the status open: it is what the run says.
            models.CheckConstraint(
                condition=Q(qa_status="RED", passing_tests=0)
                | Q(
                    qa_status="GREEN",
                    passing_tests__gt=0,
                    total_tests=F("passing_tests"),
                    test_debt_count=0,
                    against=[],
                )
                | Q(
                    ~Q(total_tests=F("passing_tests")) | Q(test_debt_count__gt=0) | ~Q(against=[]),
                    qa_status="PARTIAL",
                    passing_tests__gt=0,
                ),
                name="qa_executions_status_follows_run",
                violation_error_message=(
                    "GREEN means that there are tests, all pass, there is no debt and nothing"
                    " speaks against the run; RED that nothing passes; PARTIAL is everything"
                    " between."
                ),
            ),
            models.CheckConstraint(
                condition=Q(execution_time_ms__gte=0),
                name="qa_executions_execution_time_ms_check",
                violation_error_message="execution_time_ms cannot be negative.",
            ),
            models.CheckConstraint(
                condition=Q(never_tests__gte=0, never_tests__lte=F("total_tests")),
                name="qa_executions_never_tests_check",
                violation_error_message="never_tests must be a part of total_tests.",
            ),
            fits_index_check("qa_executions", "qa_suite_location"),
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
                fields=["task", "qa_suite_location", "-arrived_at", "-recorded"],
                name="idx_qa_executions_arrived",
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
            # The runs of a suite, of whatever task: what became of one of its tests.
            models.Index(
                fields=["qa_suite_location", "-arrived_at", "-recorded"],
                name="idx_qa_executions_suite",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.qa_status}, {self.passing_tests} of {self.total_tests}"

    def get_absolute_url(self) -> str:
        return address_of("governance:quality_run", self.pk)

    @property
    def came_later(self) -> bool:
        """Return whether it arrived noticeably after it was made."""
        return bool(self.arrived_at and self.arrived_at - self.executed_at >= timedelta(seconds=5))

    @property
    def clock_is_ahead(self) -> bool:
        """Return whether its sender's clock was ahead of the office's."""
        return bool(self.arrived_at and self.ended_at and self.ended_at > self.arrived_at)


class LatestRun(models.Model):
    """What the latest run of each suite says; a suite is a task's, at its location.

    The latest run is the last to arrive. Beside the contract. Triggers maintain it, and refuse any
    other writer, so that the present status of all suites is read without a search for the latest
    among all runs.
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
    arrived_at = models.DateTimeField(null=True)
    recorded = models.BigIntegerField(null=True)

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
            # The worst first.
            models.Index(
                fields=["-failing_tests", "-executed_at"],
                name="idx_qa_latest_runs_worst",
                condition=~Q(qa_status=QAStatus.GREEN),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.qa_status}, {self.passing_tests} of {self.total_tests}"
