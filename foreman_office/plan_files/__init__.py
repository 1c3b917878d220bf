"""Plan files: a program with its history as YAML, imported and exported.

`read` a file into a checked `Plan`, ask for its `difference` from the office, `apply` it. Its
records are staged in a table meanwhile; they are deleted when the plan is written or discarded.
"""

from pathlib import Path

from foreman_office.plan_files.difference import PlanDifference, difference
from foreman_office.plan_files.exported_records import Unwritable
from foreman_office.plan_files.exporting import export
from foreman_office.plan_files.plan import (
    CheckedPlan,
    program_id,
    read_plan,
    record_id,
    staged_plan,
)
from foreman_office.plan_files.reading import PlanErrors
from foreman_office.plan_files.writing import OfficeMoved, apply

SAMPLE = Path(__file__).parent / "samples" / "maturion-wave-1.yaml"

__all__ = [
    "SAMPLE",
    "CheckedPlan",
    "OfficeMoved",
    "PlanDifference",
    "PlanErrors",
    "Unwritable",
    "apply",
    "difference",
    "export",
    "program_id",
    "read_plan",
    "record_id",
    "staged_plan",
]
