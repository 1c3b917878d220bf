"""The runs in which a suite became green, or was green no more."""

from django.db import models
from django.db.models import Q

from governance.models.qa_runs import QAExecution
from programs.models import Task


class SuiteTurn(models.Model):
    """A run that is green after one that is not, or the other way round. Beside the contract.

    Triggers maintain it, and refuse any other writer, so that regressions and times to green are
    counted without looking at all runs.
    """

    execution = models.OneToOneField(
        QAExecution, models.DO_NOTHING, primary_key=True, related_name="+", db_constraint=False
    )
    task = models.ForeignKey(
        Task, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    qa_suite_location = models.TextField()
    is_green = models.BooleanField()
    turned_at = models.DateTimeField()
    # When the first of the runs was made that were otherwise, up to this one.
    since = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True)
    recorded = models.BigIntegerField(null=True)

    class Meta:
        db_table = "qa_suite_turns"
        indexes = [
            models.Index(
                fields=["task", "qa_suite_location", "-arrived_at", "-recorded"],
                name="idx_qa_suite_turns_suite",
            ),
            models.Index(
                fields=["-turned_at"],
                include=["since"],
                name="idx_qa_suite_turns_green",
                condition=Q(is_green=True),
            ),
            models.Index(
                fields=["-turned_at", "execution"],
                name="idx_qa_suite_turns_lost",
                condition=Q(is_green=False),
            ),
        ]

    def __str__(self) -> str:
        return "green" if self.is_green else "no longer green"
