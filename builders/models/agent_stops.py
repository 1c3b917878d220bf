"""How often the sessions of coding agents were held, when they were about to stop."""

from django.db import models

from builders.models.builders import Builder
from kit.core.sql import ContractNow


class AgentStop(models.Model):
    """One session of an agent with one task: it was about to stop before the task was done.

    The task is named without a foreign key: the row only counts, and is removed by its age.
    """

    pk = models.CompositePrimaryKey("builder", "task_id", "session")
    builder = models.ForeignKey(Builder, models.CASCADE, related_name="stops", db_index=False)
    task_id = models.UUIDField()
    session = models.TextField()
    held = models.IntegerField(db_default=0)  # times that it was told to go on
    escalated_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=ContractNow())

    class Meta:
        db_table = "agent_stops"
        indexes = [models.Index("changed_at", name="idx_agent_stops_changed")]

    def __str__(self) -> str:
        return f"{self.builder_id}, task {self.task_id}, held {self.held} times"
