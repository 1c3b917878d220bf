"""Bind the functions of the job queue to the office's own names, as ours are (kit/core/rules)."""

from django.db import migrations

from kit.core.rules import PINNED_PATH

# Of procrastinate's own migrations, which make them without.
EACH = """
    DO $$ DECLARE its_function regprocedure; BEGIN
        FOR its_function IN SELECT oid FROM pg_proc
            WHERE pronamespace = current_schema()::regnamespace
                AND starts_with(proname, 'procrastinate_')
        LOOP
            EXECUTE format('ALTER FUNCTION %s {} search_path{}', its_function);
        END LOOP;
    END $$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0041_notices"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.RunSQL(
            [PINNED_PATH, EACH.format("SET", " FROM CURRENT")], EACH.format("RESET", "")
        ),
    ]
