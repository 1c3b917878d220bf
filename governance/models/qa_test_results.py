"""The tests of a QA run, and those that have another name in a later one."""

from django.db import models
from django.db.models import Q

from governance.models.qa_runs import QAExecution
from kit.core.bounds import fits_index
from kit.core.sql import fits_index_check
from programs.models import one_of


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
    name = models.TextField(validators=[fits_index])
    outcome = models.TextField(choices=TestOutcome)
    # It failed at first and passed when it was run again in the same run.
    flaky = models.BooleanField(db_default=False)
    message = models.TextField(null=True, blank=True)
    # False for what was never a test: it counts, and may be gone when it is mended.
    is_test = models.BooleanField(db_default=True)

    class Meta:
        db_table = "qa_test_results"
        verbose_name = "QA test result"
        constraints = [
            models.UniqueConstraint(
                fields=["execution", "name"], name="qa_test_results_execution_id_name_key"
            ),
            one_of("qa_test_results", "outcome", TestOutcome),
            fits_index_check("qa_test_results", "name"),
        ]
        indexes = [
            models.Index("execution", name="idx_qa_test_results_flaky", condition=Q(flaky=True)),
            models.Index(
                "execution",
                name="idx_qa_test_results_failed",
                condition=Q(outcome=TestOutcome.FAILED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome}"


class PairedTest(models.Model):
    """A test of an earlier run that is not in a later one by its name, and is no lost goalpost.

    It has another name there, by a printed rule; or it was no test, and its tests have come. The
    office writes the pairs when the later run is recorded. Beside the contract.
    """

    execution = models.ForeignKey(
        QAExecution, models.CASCADE, related_name="pairs", db_constraint=False, db_index=False
    )
    earlier_id = models.UUIDField()
    name = models.TextField()
    later_name = models.TextField(null=True, blank=True)
    rule = models.TextField()

    class Meta:
        db_table = "qa_paired_tests"
        constraints = [
            models.UniqueConstraint(
                fields=["execution", "earlier_id", "name"], name="qa_paired_tests_name_key"
            ),
            models.UniqueConstraint(
                fields=["execution", "earlier_id", "later_name"],
                name="qa_paired_tests_later_name_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.later_name} ({self.rule})"
