"""What due dates and the archive add to the contract."""

from tests.contract_triggers import each_row, each_statement

OVERDUE = (
    "btree (due_on) WHERE ((NOT (state = ANY (ARRAY['completed'::text, 'failed'::text])))"
    " AND (due_on IS NOT NULL))"
)


def calendar_day(table):
    """Return the check that a due date is one that every reader of it can write."""
    days = "(due_on >= '1970-01-01'::date) AND (due_on <= '9999-12-31'::date)"
    return {f"{table}_due_on_check": f"CHECK (((due_on IS NULL) OR ({days}))) NOT VALID"}


ARCHIVED_CHECK = {
    "programs_archived_at_check": (
        "CHECK (((archived_at IS NULL) OR"
        " (state = ANY (ARRAY['completed'::text, 'failed'::text])))) NOT VALID"
    ),
}
ARCHIVED = {
    "programs": {
        **each_row(
            "programs_programs_archived",
            "BEFORE UPDATE",
            "((old.archived_at IS NOT NULL) OR (old.archived_at IS DISTINCT FROM new.archived_at))",
        ),
        "programs_programs_archived_deleted": (
            "BEFORE DELETE FOR EACH ROW WHEN ((old.archived_at IS NOT NULL))"
            " programs_programs_archived()"
        ),
        **each_row("governance_programs_archive", "AFTER UPDATE"),
    },
    "waves": {
        **each_row(
            "programs_plan_archived",
            "AFTER DELETE OR UPDATE OF program_id, name, sequence_number, dependencies, state,"
            " dependencies_accepted_at, due_on",
        ),
        **each_statement("programs_plan_enters_archived", "INSERT"),
    },
    "tasks": {
        **each_row(
            "programs_plan_archived",
            "AFTER DELETE OR UPDATE OF wave_id, name, architecture_reference,"
            " qa_suite_location, acceptance_criteria, assigned_builder, planned_builder, state,"
            " evidence_location, due_on",
        ),
        **each_statement("programs_plan_enters_archived", "INSERT"),
    },
}
