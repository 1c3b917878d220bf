"""Plan files that are read and not yet written."""

import uuid

from django.conf import settings
from django.db import models

from kit.core.sql import ContractNow


class StagedImport(models.Model):
    """A plan file that was read, until it is written, discarded, or a day old."""

    import_id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DB_CASCADE, "+", null=True, editable=False
    )  # None: a command
    name = models.TextField(editable=False)
    created_at = models.DateTimeField(db_default=ContractNow(), editable=False)

    class Meta:
        db_table = "staged_imports"
        indexes = [models.Index("created_at", name="idx_staged_imports_created")]

    def __str__(self) -> str:
        return self.name


class ImportTurn(models.Model):
    """A program that was imported; its row is locked while it is, so that imports take turns."""

    program_id = models.UUIDField(primary_key=True)

    class Meta:
        db_table = "import_turns"

    def __str__(self) -> str:
        return f"imports of {self.program_id}"


class ImportTransaction(models.Model):
    """A transaction that may write history, until it ends (programs_open_import)."""

    transaction_id = models.BigIntegerField(primary_key=True)

    class Meta:
        db_table = "import_transactions"

    def __str__(self) -> str:
        return str(self.transaction_id)


class StagedRecord(models.Model):
    """A record of a plan file as a row of its table, and what an import would do with it."""

    pk = models.CompositePrimaryKey("staged_import", "position")
    staged_import = models.ForeignKey(
        StagedImport, models.DB_CASCADE, related_name="records", db_index=False
    )
    position = models.IntegerField()  # in the file
    parent = models.IntegerField(null=True)  # the position of the record that it stands in
    kind = models.TextField()
    key = models.TextField(null=True)
    given = models.UUIDField(null=True)  # the id that the file says
    record_id = models.UUIDField(null=True)  # None of a builder, whose key is its id
    entity = models.TextField(null=True)  # the key of what it is about
    subject_type = models.TextField(null=True)  # the entity of which its evidence speaks
    subject_id = models.UUIDField(null=True)
    values = models.JSONField()
    comparable = models.JSONField()  # the columns in which it may differ from the office's row
    remarks = models.JSONField()  # what has no column
    line = models.IntegerField()
    lines = models.JSONField()  # of its words
    # What was found when it was compared with the office:
    added = models.BooleanField(null=True)
    change = models.JSONField(null=True)  # {column: [old, new]}
    withheld = models.JSONField(null=True)  # the same of live values, which stay
    remark_id = models.UUIDField(null=True)  # of the evidence of its remarks, where they are news
    remark_before = models.JSONField(null=True)  # what was remarked before

    class Meta:
        db_table = "staged_records"
        indexes = [
            models.Index("staged_import", "kind", "position", name="idx_staged_records_kind"),
            models.Index("staged_import", "key", name="idx_staged_records_key"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def name(self) -> str:
        """Return what a person calls it: its key, else its id."""
        return self.key or str(self.record_id)

    @property
    def row_id(self) -> uuid.UUID | str | None:
        """Return the primary key of its row; a builder's is its name."""
        return self.record_id or self.key
