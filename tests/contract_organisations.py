"""What organisations add to the tables of the contract, beside the other additions."""

from tests import contract_additions

OWNED = "uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid"
# What a row of a table is about, and the column of its id.
ABOUT = {
    "waves": ("program", "program_id"),
    "tasks": ("wave", "wave_id"),
    "blockers": ("entity", "entity_id"),
    **dict.fromkeys(
        ("heartbeats", "governance_violations", "architecture_validations", "qa_executions"),
        ("task", "task_id"),
    ),
}
OF_PROGRAMS = {
    "governance_organisation_filled": (
        "BEFORE INSERT FOR EACH ROW governance_organisation_filled()"
    ),
    "governance_program_moved": (
        "AFTER UPDATE OF organisation_id FOR EACH ROW WHEN ((old.organisation_id IS DISTINCT FROM"
        " new.organisation_id)) governance_program_moved()"
    ),
    "programs_programs_organisation": (
        "BEFORE INSERT OR UPDATE OF organisation_id FOR EACH ROW"
        " WHEN ((new.organisation_id IS NOT NULL)) programs_programs_organisation()"
    ),
}


def of_organisation(about, key):
    """The triggers that give a row to the organisation of what it is about, and keep it there."""
    arguments = f"('{about}', '{key}')"
    return {
        "governance_organisation_filled": (
            f"BEFORE INSERT FOR EACH ROW governance_organisation_filled{arguments}"
        ),
        "governance_organisation_stays": (
            f"BEFORE UPDATE OF organisation_id, {key} FOR EACH ROW"
            " WHEN (((old.organisation_id IS DISTINCT FROM new.organisation_id)"
            f" OR (old.{key} IS DISTINCT FROM new.{key})))"
            f" governance_organisation_stays{arguments}"
        ),
    }


def with_organisations(additions):
    """Add the column, last, and the triggers to what else is added to each table."""
    additions["programs"]["triggers"] |= OF_PROGRAMS
    for table in [*ABOUT, "evidence_trail"]:
        additions[table].setdefault("columns", {})["organisation_id"] = OWNED
    for table, about in ABOUT.items():
        additions[table]["triggers"] |= of_organisation(*about)
    return additions


ADDITIONS = with_organisations(contract_additions.ADDITIONS)
