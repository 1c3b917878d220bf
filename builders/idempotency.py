"""What a builder sends twice is done once: a key of its choice makes the second time harmless."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from django.db import connection

from builders.models import Builder, IdempotencyKey
from foreman_office.kit.acts import Refused, act
from foreman_office.kit.sql import ContractNow

KEPT_FOR = timedelta(days=2)  # promised: a day


class Answer(NamedTuple):
    """What was answered: an HTTP status and a body of JSON."""

    status: int
    body: str
    replayed: bool = False


def once(builder: Builder, key: str, digest: bytes, do: Callable[[], Answer]) -> Answer:
    """Do something in the builder's name and answer, or answer again what was answered before.

    The key is kept by the transaction that acts: what was refused and left nothing may be sent
    again. Of several at once with one key the first acts, the others wait here for its answer.
    """
    with act(builder):
        if not key:
            return do()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO idempotency_keys (builder_id, key, request_digest) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                [builder.pk, key, digest],
            )
            is_first = cursor.rowcount == 1
        kept = IdempotencyKey.objects.filter(pk=(builder.pk, key))
        if is_first:
            answer = do()
            kept.update(status=answer.status, body=answer.body)
            return answer
        before = kept.get()
        if bytes(before.request_digest) != digest:
            raise Refused("idempotency_key_used_once", "Another request was sent with this key.")
        return Answer(before.status, before.body, replayed=True)


def prune_idempotency_keys(older_than: timedelta = KEPT_FOR) -> int:
    """Remove old keys, and return how many there were."""
    old = IdempotencyKey.objects.filter(created_at__lt=ContractNow() - older_than)
    return old.delete()[0]
