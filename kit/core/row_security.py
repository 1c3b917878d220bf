"""Going back from a migration that row level security stands on."""

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


class WithoutPolicies(RunSQL):
    """Drop all policies before the migration is undone; whoever grants makes them anew.

    It is the last operation of a migration whose columns or functions policies speak of.
    """

    def __init__(self) -> None:
        super().__init__(RunSQL.noop, DROP_POLICIES)
