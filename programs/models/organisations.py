"""Organisations, whose members see and do what is their own (the specification's section 5)."""

from django.db import models
from django.db.models import Q

from kit.core.bounds import fits_index
from kit.core.sql import ContractNow, RandomUUID

LONGEST_ORGANISATION = 100


class Organisation(models.Model):
    """Who a program belongs to; one without belongs to the office itself. Beside the contract."""

    organisation_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    name = models.TextField(validators=[fits_index])
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    class Meta:
        db_table = "organisations"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="organisations_name_key",
                violation_error_message="An organisation of this name exists.",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=rf"^\S([^\r\n]{{0,{LONGEST_ORGANISATION - 2}}}\S)?$"),
                name="organisations_name_check",
                violation_error_message=(
                    f"The name of an organisation has 1 to {LONGEST_ORGANISATION} characters"
                    " on one line, and no space at its ends."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name
