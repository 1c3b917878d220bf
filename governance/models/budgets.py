"""Budgets of programs and builders."""

from django.db import models
from django.db.models import F, Func, Q

from builders.models import Builder
from kit.core.sql import ContractNow, RandomUUID
from programs.models import Program, State

NEARLY = 0.8  # of a budget: from then on it is warned of


class BudgetQuerySet(models.QuerySet):
    def nearly_spent(self):
        """Return the budgets of which four fifths are spent, of what is not over."""
        is_over = Q(program__state__in=[State.COMPLETED, State.FAILED])
        return self.filter(spent__gte=F("amount") * NEARLY).exclude(is_over)


class Budget(models.Model):
    """What a program may cost in all, or a builder in a month of UTC, in US dollars.

    Beside the contract. What is spent is measured by the watcher, at least every minute.
    """

    budget_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    program = models.OneToOneField(
        Program, models.DB_CASCADE, null=True, blank=True, related_name="budget"
    )
    builder = models.OneToOneField(
        Builder, models.DO_NOTHING, null=True, blank=True, related_name="budget"
    )
    # None for no budget any more.
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    # Whether no task of the program is assigned any more once the budget is spent.
    is_gate = models.BooleanField(db_default=False)
    reason = models.TextField()
    set_at = models.DateTimeField(db_default=ContractNow())
    spent = models.DecimalField(max_digits=30, decimal_places=12, db_default=0, editable=False)
    measured_at = models.DateTimeField(null=True, editable=False)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        db_table = "budgets"
        constraints = [
            models.CheckConstraint(
                condition=Q(program=None, builder__isnull=False, is_gate=False)
                | Q(program__isnull=False, builder=None),
                name="budgets_of_one_check",
                violation_error_message="A budget is a program's or a builder's.",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="budgets_amount_check",
                violation_error_message="A budget is more than nothing.",
            ),
            models.CheckConstraint(
                condition=Q(reason__regex=r"\S"),
                name="budgets_reason_check",
                violation_error_message="A budget is set with a reason.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} US dollars"

    @property
    def share(self) -> int:
        """Return what is spent in percent, rounded down."""
        return int(100 * self.spent / self.amount) if self.amount else 0


def measure_budgets(older_than) -> None:
    """Measure what is spent of each budget, unless that was done since."""
    Budget.objects.filter(
        Q(measured_at=None) | Q(measured_at__lte=ContractNow() - older_than)
    ).exclude(amount=None).update(
        spent=Func(
            "program_id",
            "builder_id",
            function="governance_spent",
            output_field=models.DecimalField(max_digits=30, decimal_places=12),
        ),
        measured_at=ContractNow(),
    )
