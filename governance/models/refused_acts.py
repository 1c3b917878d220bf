"""How often each rule refused each actor."""

from django.db import models

from kit.core.sql import ContractNow


class RefusedAct(models.Model):
    """How often a rule refused an actor. Beside the contract.

    A count, and not a row for each time: an actor that is refused all day fills no table.
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
