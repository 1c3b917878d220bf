"""The sealed record: which row stands where in the tree, the tree, and its signed checkpoints."""

from django.db import models
from django.db.models import F, Q

from kit.core.sql import ContractNow


class RecordKind(models.TextChoices):
    """What is sealed: rows of the evidence trail, and of the office's own log."""

    EVIDENCE = "evidence"
    OFFICE = "office"


class KeyEntry(models.TextChoices):
    """Why a key began to sign."""

    FIRST = "first"
    ROTATED = "rotated"  # the key before signed for it
    REPLACED = "replaced"  # the key before was lost; the record goes on
    RESTARTED = "restarted"  # what had been witnessed is not in the database any more


def hashes(table: str, column: str) -> models.CheckConstraint:
    """Return the check that a column has a SHA-256."""
    return models.CheckConstraint(
        condition=Q(**{f"{column}__length": 32}), name=f"{table}_{column}_check"
    )


class ByteLength(models.Transform):
    """The number of bytes of a binary column."""

    function = "octet_length"
    lookup_name = "length"
    output_field = models.IntegerField()


models.BinaryField.register_lookup(ByteLength)


class SealedRecord(models.Model):
    """A row of the record as it was sealed: the leaf of the tree at its position."""

    position = models.BigIntegerField(primary_key=True)  # from 0, without gaps
    kind = models.TextField(choices=RecordKind)
    sequence = models.BigIntegerField()
    leaf_hash = models.BinaryField()

    class Meta:
        db_table = "sealed_records"
        constraints = [
            models.UniqueConstraint(fields=["kind", "sequence"], name="sealed_records_once"),
            models.CheckConstraint(
                condition=Q(position__gte=0), name="sealed_records_position_check"
            ),
            hashes("sealed_records", "leaf_hash"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.sequence} at {self.position}"


class TreeNode(models.Model):
    """The hash of a complete subtree over two leaves or more. Leaves are in `sealed_records`."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.IntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        db_table = "evidence_tree_nodes"
        constraints = [hashes("evidence_tree_nodes", "hash")]

    def __str__(self) -> str:
        return f"node {self.index} of level {self.level}"


class Checkpoint(models.Model):
    """A signed statement of the tree's size and root."""

    number = models.BigIntegerField(primary_key=True)  # from 1, without gaps
    size = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()  # as it is handed to witnesses: C2SP tlog-checkpoint
    # By kind of record: every row up to this number is sealed, later ones may be.
    complete = models.JSONField()
    made_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "evidence_checkpoints"
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=0), name="evidence_checkpoints_size"),
            hashes("evidence_checkpoints", "root"),
        ]
        indexes = [models.Index("size", "number", name="idx_evidence_checkpoints_size")]

    def __str__(self) -> str:
        return f"checkpoint {self.number} of {self.size} records"


class EvidenceKey(models.Model):
    """A key that signs checkpoints from a size of the tree on, until the next key does.

    The private key is in a file of the office (`manage.py evidence_key`), never here.
    """

    number = models.BigIntegerField(primary_key=True)  # from 1, without gaps
    name = models.TextField()  # the origin of checkpoints, and the name of the key
    public_key = models.BinaryField()
    entered_as = models.TextField(choices=KeyEntry)
    from_checkpoint = models.BigIntegerField()  # the first that it may sign
    reason = models.TextField(blank=True, db_default="")
    entered_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "evidence_keys"
        constraints = [hashes("evidence_keys", "public_key")]

    def __str__(self) -> str:
        return f"key {self.number} of {self.name}"


class SealingProgress(models.Model):
    """How far a kind of record is sealed. Whoever seals locks these rows.

    Every row up to `floor` is sealed. No row up to `settled` can come any more. At `marked_at` the
    numbers up to `mark` had been given out, and transactions below `mark_xid` could be under way.
    """

    kind = models.TextField(primary_key=True, choices=RecordKind)
    floor = models.BigIntegerField(db_default=0)
    settled = models.BigIntegerField(db_default=0)
    mark = models.BigIntegerField(db_default=0)
    mark_xid = models.BigIntegerField(db_default=0)
    marked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sealing_progress"
        constraints = [
            models.CheckConstraint(
                condition=Q(floor__lte=F("settled"), settled__lte=F("mark")),
                name="sealing_progress_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} sealed up to {self.floor}"


class WitnessProgress(models.Model):
    """What a witness outside was last told: the number of a checkpoint."""

    witness = models.TextField(primary_key=True)
    told = models.BigIntegerField(db_default=0)
    told_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    failure = models.TextField(blank=True, db_default="")

    class Meta:
        db_table = "witness_progress"

    def __str__(self) -> str:
        return f"{self.witness} knows checkpoint {self.told}"
