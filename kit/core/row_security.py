"""Operations of the migrations that row level security stands on."""

from django.db.migrations import RunSQL

DROP_POLICIES = """
    DO $$
    DECLARE
        found record;
    BEGIN
        FOR found IN
            SELECT polname, polrelid::regclass::text AS of_table
            FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
            WHERE relnamespace = current_schema()::regnamespace
        LOOP
            EXECUTE format('DROP POLICY %I ON %s', found.polname, found.of_table);
            EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', found.of_table);
        END LOOP;
    END $$
"""

# The office itself. The default is a constant, so no table is written anew.
ITSELF = "00000000-0000-0000-0000-000000000000"
# PostgreSQL 15 adds no column with a default to a table while the parsed body of a function reads a
# row of it: the bodies are set aside meanwhile, and come back as they were written.
ADD_COLUMN = """
    DO $do$
    DECLARE
        one regprocedure;
        bodies text[] := '{{}}';
        body text;
    BEGIN
        FOR one IN
            SELECT DISTINCT pg_proc.oid::regprocedure
            FROM pg_proc
            JOIN pg_depend ON classid = 'pg_proc'::regclass AND objid = pg_proc.oid
            JOIN pg_class ON refclassid = 'pg_type'::regclass AND refobjid = reltype
            WHERE prosqlbody IS NOT NULL AND pg_class.oid = '{table}'::regclass
        LOOP
            bodies := bodies || pg_get_functiondef(one);
            EXECUTE format(
                'CREATE OR REPLACE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql AS %L',
                one::oid::regproc, pg_get_function_arguments(one), pg_get_function_result(one),
                'BEGIN RAISE ''set aside by a migration''; END'
            );
        END LOOP;
        ALTER TABLE {table} ADD COLUMN {column};
        FOREACH body IN ARRAY bodies LOOP
            EXECUTE body;
        END LOOP;
    END $do$
"""


class AddOrganisation(RunSQL):
    """Add the column that says to whom a row belongs: those that are there, to the office itself.

    `again` is for a table that has the column when the migration is repeated.
    """

    def __init__(self, table: str, again: bool = False) -> None:
        column = f"organisation_id uuid DEFAULT '{ITSELF}'"
        if again:
            super().__init__(
                ADD_COLUMN.format(table=table, column=f"IF NOT EXISTS {column}"), RunSQL.noop
            )
        else:
            undo = f"ALTER TABLE {table} DROP COLUMN organisation_id"
            super().__init__(ADD_COLUMN.format(table=table, column=column), undo)


class WithoutPolicies(RunSQL):
    """Drop all policies before the migration is undone; whoever grants makes them anew.

    It is the last operation of a migration whose columns or functions policies speak of.
    """

    def __init__(self) -> None:
        super().__init__(RunSQL.noop, DROP_POLICIES)
