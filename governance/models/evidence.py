"""The evidence trail (contract 1.7)."""

from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from governance.models.entity_filters import about, within
from kit.core.sql import ContractNow, Grams, GramsIndex, Identity, RandomUUID
from programs.models import TaskState, one_of


class EvidenceEntity(models.TextChoices):
    PROGRAM = "program"
    WAVE = "wave"
    TASK = "task"
    BUILDER = "builder"


# Not the loading of a history by an import.
HAPPENED = ~Q(context__has_key="import")
BY_SOMEBODY = Q(context__has_key="user")
BY_BUILDER = ~Q(actor="foreman") & Q(witnessed=True)
FORCED = Q(context__has_key="override")
# By which the number of completed tasks changes: made so, become so, or no longer so.
COMPLETIONS = Q(
    Q(action="created", context__snapshot__state=TaskState.COMPLETED.value)
    | Q(action="state_changed", context__to=TaskState.COMPLETED.value)
    | Q(action="state_changed", context__from=TaskState.COMPLETED.value),
    entity_type="task",
    witnessed=True,
)

# The texts of a row's context as JSON, which a search finds it by; and whether it has any.
EVIDENCE_TEXT = models.Func(
    "context", function="governance_evidence_text", output_field=models.TextField()
)
EVIDENCE_SAYS = models.Func(
    "context", function="governance_evidence_says", output_field=models.BooleanField()
)


# What came into a wave, or a program: made in it, or moved there; and which it came into.
CAME_TO_WAVE, CAME_TO_PROGRAM = (
    Q(
        Q(action="created") | Q(context__changes__has_key=column),
        entity_type=kind,
        witnessed=True,
    )
    for kind, column in (("task", "wave_id"), ("wave", "program_id"))
)
WAVE_COME_TO, PROGRAM_COME_TO = (
    Coalesce(KT(f"context__snapshot__{column}"), KT(f"context__changes__{column}__1"))
    for column in ("wave_id", "program_id")
)


def newest(name: str, *columns: Any, **options: Any) -> models.Index:
    """Return an index that ends with the order of the trail, newest first."""
    return models.Index(*columns, F("timestamp").desc(), F("sequence").desc(), name=name, **options)


class EvidenceQuerySet(models.QuerySet):
    def within(self, entity):
        """Return the evidence of a program, wave, task or builder and of everything inside it."""
        return self.filter(within(entity))

    def as_it_happened(self):
        """Return the evidence but for that of imports: loading a history is not its events."""
        return self.filter(HAPPENED)

    def imported(self):
        """Return the evidence that imports wrote."""
        return self.exclude(HAPPENED)

    def by_person(self, username):
        """Return the acts of a person by name, and not only of the foreman."""
        return self.alias(person=KT("context__user")).filter(BY_SOMEBODY, person=username)

    def forced(self):
        """Return the acts that passed lifecycles and gates by an override."""
        return self.filter(FORCED)

    def recent(self):
        """Return what happened, newest first; that an import loaded it is no event of the plan."""
        return self.as_it_happened().order_by("-timestamp", "-sequence")

    def came_to_wave(self, keys):
        """Return the evidence of the tasks that came into one of these waves."""
        return self.alias(wave=WAVE_COME_TO).filter(CAME_TO_WAVE, wave__in=map(str, keys))

    def came_to_program(self, key):
        """Return the evidence of the waves that came into a program."""
        return self.alias(program=PROGRAM_COME_TO).filter(CAME_TO_PROGRAM, program=str(key))

    def of(self, entity):
        """Return the evidence of one program, wave, task or builder."""
        return self.filter(about(entity))


class Evidence(models.Model):
    """One act in the trail. Written by triggers; the database refuses to change or remove it."""

    Entity = EvidenceEntity

    evidence_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    entity_type = models.TextField(choices=EvidenceEntity)
    entity_id = models.UUIDField()
    action = models.TextField()
    actor = models.TextField()
    backend = models.TextField(null=True, blank=True)
    model = models.TextField(null=True, blank=True)
    context = models.JSONField(db_default={})
    timestamp = models.DateTimeField(db_default=ContractNow())
    # Beside the contract: a number to page and follow by, and whether a trigger saw the act.
    sequence = models.BigIntegerField(unique=True, editable=False, db_default=Identity())
    witnessed = models.BooleanField(db_default=False, editable=False)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        db_table = "evidence_trail"
        verbose_name_plural = "evidence"
        constraints = [
            one_of("evidence_trail", "entity_type", EvidenceEntity),
        ]
        indexes = [
            models.Index(
                "entity_type", "entity_id", F("timestamp").desc(), name="idx_evidence_entity"
            ),
            models.Index(F("timestamp").desc(), name="idx_evidence_timestamp"),
            # Beside the contract. The rows of one transaction share its time, and an import has
            # very many: only with the number behind it is the time an order.
            newest("idx_evidence_newest"),
            newest("idx_evidence_happened", condition=HAPPENED),
            # Acts of a kind come together, as a plan is written before builders work on it.
            newest("idx_evidence_kind", "entity_type", condition=HAPPENED),
            newest("idx_evidence_actor", "actor"),
            newest("idx_evidence_action", "action"),
            models.Index("actor", "timestamp", condition=BY_BUILDER, name="idx_evidence_builders"),
            newest("idx_evidence_person", KT("context__user"), condition=BY_SOMEBODY),
            newest("idx_evidence_forced", condition=FORCED),
            models.Index("entity_id", condition=COMPLETIONS, name="idx_evidence_completions"),
            models.Index(WAVE_COME_TO, condition=CAME_TO_WAVE, name="idx_evidence_came_to_wave"),
            models.Index(
                PROGRAM_COME_TO, condition=CAME_TO_PROGRAM, name="idx_evidence_came_to_program"
            ),
            GramsIndex(Grams(EVIDENCE_TEXT), name="idx_evidence_grams", condition=Q(EVIDENCE_SAYS)),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"

    @property
    def facts(self) -> dict[str, Any]:
        """Return the context as an object: older offices also recorded arrays and single values."""
        return self.context if isinstance(self.context, dict) else {"context": self.context}
