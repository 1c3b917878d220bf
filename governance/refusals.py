"""Count refusals in a transaction of their own: the refused one is rolled back."""

from typing import Any

from django.db import connection


def count_refusal(sender: Any, *, rule: str, actor: str, **kwargs: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT governance_count_refusal(%s, %s)", [rule, actor])
