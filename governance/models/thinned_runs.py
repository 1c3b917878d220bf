"""Runs of which the tests that did not fail are no longer kept one by one."""

from django.db import models

from governance.models.qa_runs import QAExecution
from kit.core.sql import ContractNow


class ThinnedRun(models.Model):
    """An old run of which only the tests that failed are kept. Beside the contract.

    Its counts stand as they were, and its evidence has the digest of all its tests. Only the
    function that thins runs writes here.
    """

    execution = models.OneToOneField(
        QAExecution,
        models.DO_NOTHING,  # the database deletes it with its run
        primary_key=True,
        related_name="thinned",
        db_constraint=False,
    )
    thinned_at = models.DateTimeField(db_default=ContractNow())
    passed = models.IntegerField()  # tests that were removed
    skipped = models.IntegerField()
    kept_days = models.IntegerField()  # how long they had been kept at least

    class Meta:
        db_table = "qa_thinned_runs"

    def __str__(self) -> str:
        return f"{self.passed} passed and {self.skipped} skipped tests removed"
