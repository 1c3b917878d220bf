"""What stands between an entity and its next state, asked of the database's own gates."""

from typing import NamedTuple

from django.db import connection

from builders.models import Builder
from programs.models import Program, Task, Wave


class Condition(NamedTuple):
    """One condition of a gate: the rule's name, whether it is met, and a sentence about it."""

    rule: str
    met: bool
    detail: str


def conditions(
    entity: Program | Wave | Task, target: str, *, builder: Builder | None = None
) -> list[Condition]:
    """Return the conditions of moving `entity` to the state `target`; none where no gate is.

    `builder` is whom a task would be assigned to. The trigger that refuses calls the same function.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rule, met, detail FROM governance_gate(%s, %s, %s, %s, %s)",
            [
                entity._meta.model_name,
                entity.pk,
                entity.state,
                target,
                builder.builder_id if builder else None,
            ],
        )
        return [Condition(*row) for row in cursor.fetchall()]
