"""What of notifications is removed after a time."""

from datetime import timedelta

from governance.models import Delivery, Notice
from kit.core.sql import ContractNow

KEPT_FOR = timedelta(days=90)  # notices and messages, after they were closed or finished


def prune_notices(older_than: timedelta = KEPT_FOR) -> int:
    """Delete notices and messages that were over long ago; return how many rows that were.

    A message that failed for good is a card of the inbox, and stays until it is settled.
    """
    old = ContractNow() - older_than
    messages = Delivery.objects.filter(finished_at__lt=old).exclude(
        state=Delivery.State.FAILED, settled_at=None
    )
    removed, _ = messages.delete()
    return removed + Notice.objects.filter(closed_at__lt=old).delete()[0]
