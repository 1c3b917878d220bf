"""How long a plan file stays staged if it is neither written nor discarded."""

from datetime import timedelta

from kit.core.sql import ContractNow
from programs.models import StagedImport

STAGED_FOR = timedelta(days=1)


def prune_staged_imports(older_than: timedelta = STAGED_FOR) -> int:
    """Delete plan files that were staged long ago, and return how many there were."""
    return StagedImport.objects.filter(created_at__lt=ContractNow() - older_than).delete()[0]
