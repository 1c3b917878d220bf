"""Up to which number the record can be read in its order: no row can come any more before that.

A transaction may commit after another that drew a later number. As for sealing, this follows from
marks (see `governance.sealing.sealer`): the last number that was given out, and the id of a
transaction, ours, which it was given after that number was read. Once all transactions before that
one have ended, every row up to the number is there. Triggers write evidence, so that a transaction
has its id before it draws a number; for an owner's plain INSERT, which may draw first, a mark waits
for `margin` seconds besides.
"""

import time
from threading import Lock

from django.db import connection

from governance.models import RecordKind, SealingProgress
from governance.sealing.sealer import TRANSACTIONS
from governance.sealing.sources import source_of
from kit.runtime.database.members import as_office

MARGIN = 1.0  # seconds
GIVEN_OUT = "SELECT coalesce(pg_sequence_last_value(%s::regclass), 0)"


class Settled:
    """The number up to which a part of the record is complete, as this process knows it."""

    def __init__(self, margin: float = MARGIN, *, kind: RecordKind = RecordKind.EVIDENCE) -> None:
        self.margin, self.source = margin, source_of(kind)
        self.number = 0  # every row up to this one is there, or never will be
        self.given_out = 0  # numbers that were given out when this was looked at last
        self._mark: tuple[int, int, float] | None = None  # number, transaction, when
        self._lock = Lock()

    def advance(self) -> int:
        """Look at the transactions that are under way, and return the number.

        It uses up one transaction id, and writes nothing. How many numbers were given out is a
        matter of the whole office, which members may not ask.
        """
        with self._lock, as_office():
            if not self.number:  # of an office that seals, most is known
                self.number = self.sealed()
            with connection.cursor() as cursor:
                # Before the next statement gives us an id.
                cursor.execute(GIVEN_OUT, [self.source.numbers])
                [given_out] = cursor.fetchone()
                cursor.execute(TRANSACTIONS)
                oldest_running, own, _ = cursor.fetchone()
            self._settle(given_out, oldest_running, own)
            return self.number

    def sealed(self) -> int:
        """Return the number as sealing knows it, or 0 in an office that seals nothing."""
        rows = SealingProgress.objects.filter(kind=self.source.kind)
        return rows.values_list("settled", flat=True).first() or 0

    def _settle(self, given_out: int, oldest_running: int, own: int) -> None:
        now = time.monotonic()
        self.given_out = given_out
        # A database that was restored elsewhere has other transactions.
        if self._mark and self._mark[1] < own:
            number, transaction, since = self._mark
            if oldest_running < transaction or now - since < self.margin:
                return
            self.number = max(self.number, number)
        self._mark = (given_out, own, now)

    @property
    def is_behind(self) -> bool:
        """Return whether numbers were given out whose rows may still come."""
        return self.number < self.given_out
