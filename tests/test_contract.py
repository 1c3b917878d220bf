"""The tables are what the contract says, with the listed additions."""

import re
from itertools import chain

import pytest

from tests.contract import CONTRACT
from tests.contract_organisations import ADDITIONS

pytestmark = pytest.mark.django_db


CATALOG = {
    "columns": """
        SELECT attname, format_type(atttypid, atttypmod)
            || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END
            || coalesce(' DEFAULT ' || pg_get_expr(adbin, adrelid), '')
            || CASE attidentity WHEN '' THEN '' ELSE ' IDENTITY' END
            || CASE attgenerated WHEN '' THEN '' ELSE ' GENERATED' END
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
        ORDER BY attnum
    """,
    # PostgreSQL 18 lists NOT NULL here as well; a constraint trigger is among the triggers.
    "constraints": """
        SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = %s::regclass AND contype NOT IN ('n', 't')
    """,
    "indexes": """
        SELECT relname, CASE WHEN indisunique THEN 'UNIQUE ' ELSE '' END
            || substring(pg_get_indexdef(indexrelid) FROM ' USING (.*)')
        FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE indrelid = %s::regclass AND indisvalid
            AND NOT EXISTS (
                SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')
            )
    """,
    "triggers": """
        SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled = 'O'
    """,
}


each_table = pytest.mark.parametrize("table", CONTRACT)


def found(sql, kind, table):
    rows = dict(sql(CATALOG[kind], table))
    if kind == "triggers":
        return {name: words_of(definition) for name, definition in rows.items()}
    return rows


def words_of(trigger):
    """Leave of a trigger's definition when it fires, how, and what it runs."""
    definition = re.sub(r"^CREATE (CONSTRAINT )?TRIGGER \S+ | ON public\.\S+", "", trigger)
    definition = re.sub(r" REFERENCING( (OLD|NEW) TABLE AS \S+)+", "", definition)
    return definition.replace("EXECUTE FUNCTION ", "")


@each_table
def test_a_table_is_what_the_contract_says_and_the_listed_additions(table, sql, subtests):
    for kind in CATALOG:
        stated = CONTRACT[table].get(kind, {})
        added = ADDITIONS[table].get(kind, {})
        with subtests.test(kind=kind):
            assert not stated.keys() & added.keys()
            assert found(sql, kind, table) == stated | added


def test_columns_stand_in_the_order_of_the_contract_and_additions_after_them(sql, subtests):
    for table in CONTRACT:
        columns = [*CONTRACT[table]["columns"], *ADDITIONS[table].get("columns", {})]
        with subtests.test(table=table):
            assert list(found(sql, "columns", table)) == columns


def test_the_ten_tables_are_ordinary_ones_in_the_public_schema(sql):
    rows = sql(
        "SELECT relname FROM pg_class"
        " WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace = 'public'::regnamespace"
    )

    assert len(CONTRACT) == 10
    assert {name for (name,) in rows} >= CONTRACT.keys()


def test_no_foreign_key_of_the_contract_is_deferrable_or_unchecked(sql):
    rows = sql(
        "SELECT conname, condeferrable, convalidated, confupdtype FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])",
        list(CONTRACT),
    )

    stated = chain.from_iterable(table["constraints"] for table in CONTRACT.values())
    assert {name for name, *_ in rows} == {name for name in stated if name.endswith("_fkey")}
    assert {tuple(how) for _, *how in rows} == {(False, True, "a")}


def test_every_foreign_key_has_an_index_that_begins_with_it(sql):
    bare = sql(
        """
        SELECT conname FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
            -- The queue's tables are the queue's own, and have an index of running jobs alone.
            AND conrelid <> 'procrastinate_jobs'::regclass AND NOT EXISTS (
            SELECT FROM pg_index
            WHERE indrelid = conrelid AND indpred IS NULL
                AND (indkey::smallint[])[0:cardinality(conkey) - 1] = conkey
        )
        """
    )

    assert bare == []
