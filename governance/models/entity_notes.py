"""Notes on whatever has no notes of its own: all but tasks (programs.TaskNote)."""

from django.db import models
from django.db.models import F

from governance.models.evidence import EvidenceEntity
from programs.models import Note, note_text, one_of

MOST_ENTITY_NOTES = 500  # on one thing: governance_bounded_notes()


class NotedKind(models.TextChoices):
    PROGRAM = "program", "program"
    WAVE = "wave", "wave"
    BUILDER = "builder", "builder"
    BLOCKER = "blocker", "blocker"
    RUN = "run", "QA run"
    VIOLATION = "violation", "violation"
    VALIDATION = "validation", "validation"
    DECISION = "decision", "decision"


class EntityNote(Note):
    """A note of a person on a program, wave, builder, blocker, run, violation, validation or
    decision, with the entity about which its evidence is."""

    about_kind = models.TextField(choices=NotedKind)
    about_key = models.TextField()  # an id, the name of a builder, the key of a decision
    about_name = models.TextField()  # as it was called then
    entity_type = models.TextField(choices=EvidenceEntity)
    entity_id = models.UUIDField()

    class Meta:
        db_table = "entity_notes"
        constraints = [
            note_text("entity_notes"),
            one_of("entity_notes", "about_kind", NotedKind),
            one_of("entity_notes", "entity_type", EvidenceEntity),
        ]
        indexes = [
            models.Index(
                "about_kind", "about_key", F("written_at").desc(), name="idx_entity_notes_about"
            ),
        ]
