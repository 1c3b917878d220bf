"""Lists as people want to see them again: their filters and their order, under a name."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from kit.core.sql import ContractNow, RandomUUID

LONGEST_NAME = 100
LONGEST_QUERY = 2_000  # characters of an address


class SavedViewQuerySet(models.QuerySet[Any]):
    def shown_to(self, user: Any) -> Any:
        """Return a person's own views, and those that others share with all."""
        return self.filter(Q(user=user.pk) | Q(is_shared=True))


class SavedView(models.Model):
    """A list under a person's name for it: `query` is what its address says."""

    view_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DB_CASCADE, "saved_views", db_index=False
    )
    place = models.TextField()  # the name of the list's address
    name = models.TextField()
    query = models.TextField(blank=True, db_default="")
    is_shared = models.BooleanField(default=False, db_default=False)
    is_default = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        db_table = "saved_views"
        ordering = ["name", "view_id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "place", "name"],
                name="saved_views_one_of_a_name",
                violation_error_message="You have a view of this name for this list.",
            ),
            models.UniqueConstraint(
                fields=["user", "place"],
                condition=Q(is_default=True),
                name="saved_views_one_default",
                violation_error_message="Another view opens with this list.",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"),
                name="saved_views_name_check",
                violation_error_message="A view has a name.",
            ),
        ]
        indexes = [
            models.Index("place", name="idx_saved_views_shared", condition=Q(is_shared=True)),
        ]

    def __str__(self) -> str:
        return self.name


class ListColumns(models.Model):
    """The columns that a person leaves out of a list, wherever it is opened."""

    columns_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DB_CASCADE, "list_columns", db_index=False
    )
    place = models.TextField()  # the name of the list's address
    without = models.TextField()  # their names, as an address has them: "builder,qa"

    class Meta:
        db_table = "list_columns"
        constraints = [
            models.UniqueConstraint(fields=["user", "place"], name="list_columns_one_of_a_list"),
        ]

    def __str__(self) -> str:
        return f"{self.place} without {self.without}"
