"""What a database has, one line for each table, function and set of first rows.

`tests/old_history.txt` is that of a database which the migrations of commit 23933a6 made, all of
them: each app's 0001_initial makes the same. It was written there, and stays as it is.
"""

from pathlib import Path

OLD_HISTORY = Path(__file__).with_name("old_history.txt")

# A checksum for each table and each function; the catalog says the same in words to whoever asks.
THINGS = """
    WITH part (thing, words) AS (
        SELECT format('table %s', attrelid::regclass),
            format('%s %s %s %s %s %s', attnum, attname, format_type(atttypid, atttypmod),
                attnotnull, attidentity, pg_get_expr(adbin, adrelid))
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
            AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT format('table %s', conrelid::regclass),
            format('%s %s', conname, pg_get_constraintdef(oid))
        FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
        UNION ALL
        SELECT format('table %s', tablename), indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT format('table %s', tgrelid::regclass), pg_get_triggerdef(oid)
        FROM pg_trigger WHERE NOT tgisinternal
        UNION ALL
        SELECT format('function %s', pg_proc.oid::regprocedure), pg_get_functiondef(pg_proc.oid)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    )
    SELECT format('%s %s', thing, md5(string_agg(words, E'\\n' ORDER BY words COLLATE "C")))
    FROM part
    WHERE thing !~ '^table (auth|django)_'  -- Django's own
    GROUP BY thing
"""

# The rows that migrations write, without times and what is numbered at random.
ROWS = """
    SELECT format('builder %s %s %s %s', builder_id, backend_type, state, provenance)
    FROM builders
    UNION ALL
    SELECT format('evidence %s %s %s %s %s %s %s', sequence, entity_type, entity_id, action, actor,
        witnessed, context -> 'snapshot' ->> 'builder_id')
    FROM evidence_trail
    UNION ALL
    SELECT format('permissions %s %s %s', app_label, count(*), md5(string_agg(
        concat(codename, ' ', auth_permission.name), E'\\n' ORDER BY codename COLLATE "C")))
    FROM auth_permission JOIN django_content_type ON django_content_type.id = content_type_id
    WHERE app_label IN ('programs', 'builders', 'governance')
    GROUP BY app_label
    UNION ALL
    SELECT concat_ws(' ', 'group', auth_group.name, count(codename), md5(
        string_agg(codename, E'\\n' ORDER BY codename COLLATE "C")))
    FROM auth_group LEFT JOIN auth_group_permissions ON group_id = auth_group.id
    LEFT JOIN auth_permission ON auth_permission.id = permission_id
    GROUP BY auth_group.name
"""


def lines(execute) -> list[str]:
    """Return the lines of a database, whose rows `execute` returns for a statement."""
    return sorted(line for statement in (THINGS, ROWS) for (line,) in execute(statement))
