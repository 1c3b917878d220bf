"""Notices of what is broken or waits, who is told of them by which channel, and how that went."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from kit.core.row_security import ITSELF
from kit.core.sql import ContractNow, OrganisationInUse, RandomUUID


class NoticeQuerySet(models.QuerySet):
    def open(self):
        """Return the notices of decisions that are still pending."""
        return self.filter(closed_at=None)

    def snoozed(self, at=None):
        """Return those that somebody put off, while that holds: until a time, or until worse."""
        later = Q(snoozed_until=None) | Q(snoozed_until__gt=at or ContractNow())
        return self.filter(later, snoozed_at__isnull=False)

    def marked(self):
        """Return those that somebody has, put off, or was assigned."""
        return self.exclude(acknowledged_at=None, snoozed_at=None, assigned_at=None)


class Notice(models.Model):
    """A decision of the inbox, kept from when a sweep first finds it until one no longer does.

    What comes again soon after it was closed is the same notice again: `openings` are the moments
    at which it came.
    """

    notice_id = models.BigAutoField(primary_key=True)
    key = models.TextField()  # of the decision: kind, entity and cause
    kind = models.TextField()
    broken = models.BooleanField()
    title = models.TextField()
    entity_type = models.TextField(blank=True, db_default="")
    entity_id = models.TextField(blank=True, db_default="")
    entity_name = models.TextField(blank=True, db_default="")
    program_id = models.UUIDField(null=True, blank=True)
    happened = models.TextField(blank=True, db_default="")
    impact_words = models.TextField(blank=True, db_default="")
    otherwise = models.TextField(blank=True, db_default="")  # what follows if nothing is done
    remedy = models.TextField(blank=True, db_default="")
    impact = models.IntegerField(db_default=0)  # tasks and builders held up, when it last worsened
    since = models.DateTimeField()
    openings = models.JSONField(db_default=[])  # ISO 8601
    opened_at = models.DateTimeField(db_default=ContractNow())
    worsened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.TextField(blank=True, db_default="")
    snoozed_at = models.DateTimeField(null=True, blank=True)
    snoozed_by = models.TextField(blank=True, db_default="")
    snoozed_until = models.DateTimeField(null=True, blank=True)  # none: until it gets worse
    snoozed_impact = models.IntegerField(null=True, blank=True)  # with more it is worse
    assigned_at = models.DateTimeField(null=True, blank=True)
    assigned_by = models.TextField(blank=True, db_default="")
    assigned_to = models.TextField(blank=True, db_default="")  # the name of a user who decides
    # Whose program it is about, as a trigger fills it; of a message that failed, the message's.
    organisation_id = models.UUIDField(null=True, db_default=UUID(ITSELF), editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        db_table = "notices"
        constraints = [
            models.UniqueConstraint("key", name="notices_one_open", condition=Q(closed_at=None)),
            models.CheckConstraint(
                condition=Q(acknowledged_at=None, acknowledged_by="")
                | Q(acknowledged_at__isnull=False) & ~Q(acknowledged_by=""),
                name="notices_acknowledged_check",
            ),
            models.CheckConstraint(
                condition=Q(snoozed_at=None, snoozed_by="", snoozed_until=None, snoozed_impact=None)
                | Q(snoozed_at__isnull=False, snoozed_impact__isnull=False)
                & (Q(snoozed_until=None) | Q(snoozed_until__gt=F("snoozed_at")))
                & ~Q(snoozed_by=""),
                name="notices_snoozed_check",
                violation_error_message="A decision is snoozed until a time that is to come.",
            ),
            models.CheckConstraint(
                condition=Q(assigned_at=None, assigned_by="", assigned_to="")
                | Q(assigned_at__isnull=False) & ~Q(assigned_by="") & ~Q(assigned_to=""),
                name="notices_assigned_check",
            ),
        ]
        indexes = [
            models.Index("key", F("closed_at").desc(), name="idx_notices_key"),
            models.Index("closed_at", name="idx_notices_closed"),
        ]

    def __str__(self) -> str:
        return f"{self.entity_name}: {self.title}" if self.entity_name else self.title

    @property
    def is_whole_office(self) -> bool:
        """Return whether it is of no organisation, the office itself included: a message of all."""
        return self.kind == "delivery" and not self.key.endswith(f"-{self.organisation_id}")

    def is_snoozed(self, at: datetime) -> bool:
        until = self.snoozed_until
        return self.snoozed_at is not None and (until is None or until > at)

    def snooze_ended_at(self, at: datetime) -> datetime | None:
        """Return when its snooze was over, if it had one that ended by its time."""
        return self.snoozed_until if self.snoozed_at and not self.is_snoozed(at) else None


class Channel(models.Model):
    """A way out of the office, made by an admin. Its address and its secret are encrypted.

    One of an organisation tells of what is that organisation's alone.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Signed webhook"
        APPRISE = "apprise", "Apprise"

    channel_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    name = models.TextField(unique=True)
    kind = models.TextField(choices=Kind)
    address_encrypted = models.TextField(editable=False)
    secret_encrypted = models.TextField(blank=True, db_default="", editable=False)
    shown = models.TextField(editable=False)  # the address without what is secret in it
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_because = models.TextField(blank=True, db_default="")
    organisation_id = models.UUIDField(null=True, db_default=OrganisationInUse(), editable=False)

    class Meta:
        db_table = "notification_channels"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["email", "webhook", "apprise"]),
                name="notification_channels_kind_check",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"),
                name="notification_channels_name_check",
                violation_error_message="A channel needs a name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class NotificationRule(models.Model):
    """Who is told of what, by which channel, how soon and how often.

    Without `channel`, the person's own e-mail address. Without `user`, it is the office's rule, or
    that of an organisation. A person has rules for each organisation in which they work.
    """

    class Band(models.TextChoices):
        BROKEN = "broken", "Broken now"
        ALL = "all", "Broken now, and each new decision"

    rule_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, "notification_rules", null=True, blank=True
    )
    channel = models.ForeignKey(Channel, models.CASCADE, "rules", null=True, blank=True)
    band = models.TextField(choices=Band, db_default=Band.BROKEN, default=Band.BROKEN)
    kinds = models.JSONField(db_default=[], default=list, blank=True)  # none: all
    program_ids = models.JSONField(db_default=[], default=list, blank=True)
    delay_seconds = models.IntegerField(db_default=120, default=120)
    repeat_minutes = models.IntegerField(null=True, blank=True)
    next_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, "+", null=True, blank=True
    )
    next_minutes = models.IntegerField(null=True, blank=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    quiet_spares_broken = models.BooleanField(db_default=True, default=True)
    digest_at = models.TimeField(null=True, blank=True)
    zone = models.TextField(db_default="UTC", default="UTC")
    is_on = models.BooleanField(db_default=True, default=True)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    organisation_id = models.UUIDField(null=True, db_default=OrganisationInUse(), editable=False)

    class Meta:
        db_table = "notification_rules"
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(channel__isnull=False),
                name="notification_rules_target_check",
                violation_error_message="A rule names a person or a channel.",
            ),
            models.CheckConstraint(
                condition=Q(delay_seconds__gte=0, delay_seconds__lte=86400)
                & (Q(repeat_minutes=None) | Q(repeat_minutes__gte=1))
                & (Q(next_minutes=None) | Q(next_minutes__gte=1)),
                name="notification_rules_times_check",
                violation_error_message="A delay is at most a day; a pause is at least a minute.",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notification_rules_quiet_check",
                violation_error_message="Quiet hours have a beginning and an end.",
            ),
            models.CheckConstraint(
                condition=Q(next_user=None) | Q(next_minutes__isnull=False),
                name="notification_rules_next_check",
                violation_error_message="Enter after how many minutes the next person is told.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_band_display()}: {self.channel or self.user}"


class DeliveryQuerySet(models.QuerySet):
    def queued(self):
        return self.filter(state=Delivery.State.QUEUED)

    def given_up(self):
        """Return what failed for good and was not set aside."""
        return self.filter(state=Delivery.State.FAILED, settled_at=None)


class Delivery(models.Model):
    """One message to one addressee. Its id is the message's own, by whatever channel it leaves."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        SUPPRESSED = "suppressed", "Suppressed"

    class Reason(models.TextChoices):
        OPENED = "opened", "New"
        WORSENED = "worsened", "Worse"
        RETURNED = "returned", "Again"
        REPEATED = "repeated", "Reminder"
        ESCALATED = "escalated", "Not acknowledged"
        ASSIGNED = "assigned", "Assigned"
        DIGEST = "digest", "Daily digest"
        HANDOVER = "handover", "Handover"
        TEST = "test", "Test"

    delivery_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    reason = models.TextField(choices=Reason)
    notices = models.ManyToManyField(Notice, "deliveries", db_table="delivery_notices")
    rule = models.ForeignKey(NotificationRule, models.SET_NULL, "+", null=True)
    channel = models.ForeignKey(Channel, models.SET_NULL, "deliveries", null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, "+", null=True)
    target = models.TextField()  # the addressee's key: of the channel, or of the person's e-mail
    addressee = models.TextField()  # in words, without what is secret
    state = models.TextField(choices=State, db_default=State.QUEUED)
    why = models.TextField(blank=True, db_default="")  # it failed or was suppressed
    subject = models.TextField(blank=True, db_default="")
    body = models.TextField(blank=True, db_default="")
    attempts = models.IntegerField(db_default=0)
    queued_at = models.DateTimeField(db_default=ContractNow())
    due_at = models.DateTimeField(db_default=ContractNow())  # the next attempt
    finished_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)  # sent again, or set aside, after it failed
    settled_by = models.TextField(blank=True, db_default="")
    # Whose it is: it tells of nothing else. NULL: the whole office's.
    organisation_id = models.UUIDField(null=True, db_default=OrganisationInUse(), editable=False)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        db_table = "deliveries"
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sent", "failed", "suppressed"]),
                name="deliveries_state_check",
            ),
            models.CheckConstraint(
                condition=Q(state="queued", finished_at=None)
                | ~Q(state="queued") & Q(finished_at__isnull=False),
                name="deliveries_finished_check",
            ),
        ]
        indexes = [
            models.Index(F("queued_at").desc(), "delivery_id", name="idx_deliveries_queued_at"),
            models.Index("due_at", name="idx_deliveries_due", condition=Q(state="queued")),
            models.Index(
                "target",
                "queued_at",
                name="idx_deliveries_given_up",
                condition=Q(state="failed", settled_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} to {self.addressee}"
