"""Idempotency keys: a request that is sent twice with the same key is executed once."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection

from builders.models import Builder, CIIdempotencyKey, IdempotencyKey
from foreman_office.api.callers import Caller
from kit.core.acts import Refused, act
from kit.runtime.database.members import organisation_in_use


class Answer(NamedTuple):
    """The stored answer: an HTTP status and a body of JSON."""

    status: int
    body: str
    replayed: bool = False


def answer_once(by: Caller, key: str, digest: bytes, do: Callable[[], Answer]) -> Answer:
    """Execute a request in its caller's name, or repeat the answer that its key got before.

    The key is stored by the transaction that acts: what was refused left nothing and may be sent
    again. Of concurrent requests with one key the first acts, the others wait here for its answer.
    """
    with act(by):
        if not key:
            return do()
        table, owner = ("idempotency_keys", "builder_id")
        keys: Any = IdempotencyKey
        if organisation := organisation_in_use():
            key = f"{organisation} {key}"  # no key has a space, so each has its own keys
        if not isinstance(by, Builder):
            table, owner, keys = "ci_idempotency_keys", "token_id", CIIdempotencyKey
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({owner}, key, request_digest)"  # noqa: S608  our two names
                " VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                [by.pk, key, digest],
            )
            is_first = cursor.rowcount == 1
        kept = keys.objects.filter(pk=(by.pk, key))
        if is_first:
            answer = do()
            kept.update(status=answer.status, body=answer.body)
            return answer
        before = kept.get()
        if bytes(before.request_digest) != digest:
            raise Refused("idempotency_key_used_once", "This key was used for another request.")
        return Answer(before.status, before.body, replayed=True)
