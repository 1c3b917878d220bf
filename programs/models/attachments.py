"""What a task carries beside its plan: links to where its work is, and notes."""

from urllib.parse import urlsplit

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from kit.core.sql import ContractNow, Grams, GramsIndex, Lines, RandomUUID
from programs.models.checks import one_of
from programs.models.plan import Task

MOST_LINKS, MOST_NOTES = 100, 500  # of one task: programs_bounded_per_task()
LONGEST_ADDRESS, LONGEST_LABEL, LONGEST_NOTE = 2_000, 200, 10_000  # characters
# Without a name and password, blanks, quotes and brackets: it stands in pages and logs.
ADDRESS = r"""^https?://[^\s/?#@\\<>"'`]+([/?#][^\s\\<>"'`]*)?$"""


WANTED_ADDRESS = (
    f"A link is an address that begins with http:// or https://, of at most {LONGEST_ADDRESS:,}"
    " characters, without a user name."
)


def leads_to_a_host(url: str) -> bool:
    """Return whether an address has a host, and a port that can exist if it has one."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


class LinkKind(models.TextChoices):
    COMMIT = "commit", "Commit"
    PULL_REQUEST = "pull-request", "Pull request"
    LOG = "log", "Log"
    ARTEFACT = "artefact", "Artefact"


class TaskLink(models.Model):
    """Where something of a task's work is: a commit, a pull request, a log, an artefact."""

    Kind = LinkKind

    link_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    task = models.ForeignKey(
        Task, models.CASCADE, related_name="links", db_constraint=False, db_index=False
    )
    kind = models.TextField(choices=LinkKind)
    url = models.TextField()
    label = models.TextField(blank=True, db_default="")
    added_by = models.TextField(editable=False)
    added_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    class Meta:
        db_table = "task_links"
        constraints = [
            one_of("task_links", "kind", LinkKind),
            models.CheckConstraint(
                condition=Q(url__iregex=ADDRESS)
                & ~Q(url__regex="[[:cntrl:]]")
                & LessThanOrEqual(Length("url"), LONGEST_ADDRESS),
                name="task_links_url_check",
                violation_error_message=WANTED_ADDRESS,
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("label"), LONGEST_LABEL),
                name="task_links_label_check",
                violation_error_message=f"A label has at most {LONGEST_LABEL} characters.",
            ),
            models.UniqueConstraint(
                fields=["task", "url"],
                name="task_links_once",
                violation_error_message="The task has this link already.",
            ),
        ]
        indexes = [
            models.Index("task", F("added_at").desc(), name="idx_task_links_task"),
            models.Index(F("added_at").desc(), name="idx_task_links_newest"),
            GramsIndex(Grams(Lines("label", "url")), name="idx_task_links_grams"),
        ]

    def __str__(self) -> str:
        return self.label or self.url

    def get_absolute_url(self) -> str:
        return self.task.get_absolute_url()


def note_text(table: str) -> models.CheckConstraint:
    """Return the check of a note's text."""
    return models.CheckConstraint(
        condition=Q(text__regex=r"\S") & LessThanOrEqual(Length("text"), LONGEST_NOTE),
        name=f"{table}_text_check",
        violation_error_message=f"A note has 1 to {LONGEST_NOTE:,} characters.",
    )


class Note(models.Model):
    """A text in a part of Markdown. Nobody edits it; withdrawn with a reason, it stays."""

    note_id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    text = models.TextField()
    written_by = models.TextField(editable=False)
    written_at = models.DateTimeField(db_default=ContractNow(), editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    withdrawn_by = models.TextField(blank=True, db_default="", editable=False)
    withdrawn_because = models.TextField(blank=True, db_default="", editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.text


class TaskNote(Note):
    """A note of a builder or the foreman on a task."""

    task = models.ForeignKey(
        Task, models.CASCADE, related_name="notes", db_constraint=False, db_index=False
    )

    class Meta:
        db_table = "task_notes"
        constraints = [note_text("task_notes")]
        indexes = [
            models.Index("task", F("written_at").desc(), name="idx_task_notes_task"),
            models.Index(F("written_at").desc(), name="idx_task_notes_newest"),
            GramsIndex(Grams(Lines("text")), name="idx_task_notes_grams"),
        ]
