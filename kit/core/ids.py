"""Ids of rows that come in numbers, in the order of time.

A random id puts each new row into another page of its index, which is then written to the
write-ahead log whole. These (version 7 of RFC 9562) go to the end of it. The database makes them
with `programs_time_ordered_id`: PostgreSQL itself can from version 18 on.
"""

import secrets
import time
from uuid import UUID


def time_ordered_id() -> UUID:
    """Return a new id that is greater than those made before, and no easier to guess.

    It has 48 bits of milliseconds, 12 of a fraction of one, and 62 that are random.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    return UUID(
        int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62),
    )
