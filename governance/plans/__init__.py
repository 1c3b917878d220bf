"""Plan files: a program with its history as YAML, into the office and out of it again.

`read` a file into a checked `Plan`, ask for its `difference` from the office, `apply` it.
"""

from pathlib import Path

from governance.plans.difference import Difference, difference, looking
from governance.plans.exporting import Unwritable, export
from governance.plans.plan import Plan, program_id, read, record_id
from governance.plans.reading import PlanErrors
from governance.plans.writing import OfficeMoved, apply

SAMPLE = Path(__file__).parent / "samples" / "maturion-wave-1.yaml"

__all__ = [
    "SAMPLE",
    "Difference",
    "OfficeMoved",
    "Plan",
    "PlanErrors",
    "Unwritable",
    "apply",
    "difference",
    "export",
    "looking",
    "program_id",
    "read",
    "record_id",
]
