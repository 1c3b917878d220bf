"""Count refusals in a transaction of their own: the refused one is rolled back."""

from typing import Any

from django.db import connection


def count_refusal(sender: Any, *, rule: str, actor: str, **kwargs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO refused_acts AS before (rule, actor) VALUES (%s, %s)"
            " ON CONFLICT (rule, actor) DO UPDATE"
            " SET occurrences = before.occurrences + 1, last_at = now()",
            [rule, actor],
        )
