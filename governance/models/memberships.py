"""Who belongs to which organisation, and what they may do in it."""

from django.conf import settings
from django.db import models

from kit.core.roles import Role
from kit.core.sql import ContractNow, RandomUUID
from programs.models import Organisation
from programs.models.checks import one_of


class MemberRole(models.TextChoices):
    """What a person may do in an organisation: the roles of the office, but for builders."""

    FOREMAN = Role.FOREMAN.value, "Foreman"
    VIEWER = Role.VIEWER.value, "Viewer"
    ADMIN = Role.ADMIN.value, "Admin"


class OrganisationMember(models.Model):
    """A person in an organisation, with one role there. Beside the contract."""

    member_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    organisation = models.ForeignKey(Organisation, models.DB_CASCADE, "members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DB_CASCADE, "organisation_members", db_index=False
    )
    role = models.TextField(choices=MemberRole)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    class Meta:
        db_table = "organisation_members"
        ordering = ["organisation", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "organisation"],
                name="organisation_members_once",
                violation_error_message="This person is a member of the organisation.",
            ),
            one_of("organisation_members", "role", MemberRole),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation}"
