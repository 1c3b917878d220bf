"""What the plan says, kept beside it for searches."""

from django.db import models

from kit.core.sql import Grams, GramsIndex


class PlanText(models.Model):
    """The text of a program, wave or task: its name, criteria, references. Beside the contract.

    Triggers keep it (programs_keep_texts); nobody else writes it.
    """

    text_id = models.BigAutoField(primary_key=True)
    entity_type = models.TextField()
    entity_id = models.UUIDField()
    text = models.TextField()

    class Meta:
        db_table = "plan_texts"
        constraints = [
            models.UniqueConstraint(
                fields=["entity_type", "entity_id"], name="plan_texts_one_each"
            ),
        ]
        indexes = [
            models.Index("entity_type", "text_id", name="idx_plan_texts_newest"),
            # One each: of a word that all tasks have, the two programs that have it are found.
            *(
                GramsIndex(
                    Grams("text"),
                    name=f"idx_plan_texts_{noun}s",
                    condition=models.Q(entity_type=noun),
                )
                for noun in ("program", "wave", "task")
            ),
        ]

    def __str__(self) -> str:
        return self.text
