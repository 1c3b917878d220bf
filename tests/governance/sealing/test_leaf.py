"""The text of a sealed row does not depend on who asks for it."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from tests.database import as_administrator

pytestmark = pytest.mark.django_db

LEAVES = "SELECT governance_evidence_leaf(row) FROM evidence_trail AS row ORDER BY sequence"
HOSTILE = [
    "SET LOCAL TimeZone = 'Pacific/Chatham'",
    "SET LOCAL TimeZone = 'America/St_Johns'",
    "SET LOCAL DateStyle = 'SQL, DMY'",
    "SET LOCAL DateStyle = 'German'",
    "SET LOCAL IntervalStyle = 'sql_standard'",
    "SET LOCAL extra_float_digits = -15",
    "SET LOCAL bytea_output = 'escape'",
    "SET LOCAL xmlbinary = 'hex'",
    "SET LOCAL lc_time = 'C'",
    "SET LOCAL search_path = pg_catalog",
    "SET LOCAL standard_conforming_strings = off",
    "SET LOCAL quote_all_identifiers = on",
]
ROWS = [
    ("2026-11-30 16:00:00+00", '{"a": 1.50, "text": "é 中 \\n \\" \\\\ \\u0001", "n": 1e400}'),
    ("2026-03-29 02:30:00.000001+01", '{"b": {}, "a": [], "list": [1, null, true, "x"]}'),
    ("0044-03-15 12:00:00+00 BC", "{}"),
    ("0044-03-15 12:00:00+00", "{}"),
    ("-infinity", "{}"),
]


@pytest.fixture
def rows(task):
    """Write rows past the rules, beside those of a task."""
    as_administrator("SET LOCAL session_replication_role = replica")
    for number, (moment, context) in enumerate(ROWS, 1_000_000):
        as_administrator(
            "INSERT INTO public.evidence_trail (entity_type, entity_id, action, actor, context,"
            " timestamp, sequence)"
            " VALUES ('task', gen_random_uuid(), 'noted', 'foreman', %s, %s, %s)",
            context,
            moment,
            number,
        )
    as_administrator("SET LOCAL session_replication_role = origin")


def test_a_leaf_is_the_same_under_hostile_settings(rows, sql):
    expected = sql(LEAVES)
    assert len(expected) > len(ROWS)
    for setting in HOSTILE:
        sql(setting)
        found = sql(LEAVES.replace("evidence_trail", "public.evidence_trail").replace(
            "governance_", "public.governance_"))  # fmt: skip
        assert found == expected, setting


def test_a_leaf_is_hashed_alike_in_any_client_encoding(rows, sql):
    hashed = LEAVES.replace(
        "governance_evidence_leaf(row)",
        "sha256('\\x00'::bytea || convert_to(governance_evidence_leaf(row), 'UTF8'))",
    )
    expected = sql(hashed)
    sql("SET LOCAL client_encoding = 'LATIN1'")
    assert sql(hashed) == expected


def test_two_rows_that_differ_in_one_column_have_different_leaves(rows, sql):
    assert len(sql("SELECT DISTINCT " + LEAVES.partition(" ORDER")[0][7:])) == len(sql(LEAVES))


def test_a_leaf_holds_every_column_of_its_row_but_to_whom_it_belongs(rows, sql):
    columns = {name for (name,) in sql(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'evidence_trail'::regclass"
        " AND attnum > 0 AND NOT attisdropped"
    )}  # fmt: skip
    for (leaf,) in sql(LEAVES):
        assert json.loads(leaf).keys() == columns - {"organisation_id"} | {"kind"}


def test_a_leaf_says_what_the_row_says(rows, sql):
    found = [json.loads(leaf) for (leaf,) in sql(LEAVES)]
    times = [each["timestamp"] for each in found[-len(ROWS) :]]
    assert times == [
        "2026-11-30T16:00:00.000000Z",
        "2026-03-29T01:30:00.000001Z",
        "0044-03-15T12:00:00.000000Z BC",
        "0044-03-15T12:00:00.000000Z",
        "-infinity",
    ]
    assert found[-1] | {"kind": "evidence", "witnessed": False} == found[-1]
    first, [(moment, context)] = found[0], sql(
        "SELECT timestamp, context FROM evidence_trail ORDER BY sequence LIMIT 1"
    )  # fmt: skip
    assert datetime.fromisoformat(first["timestamp"]) == moment.astimezone(UTC)
    assert first["context"] == (context if isinstance(context, dict) else json.loads(context))


def test_a_leaf_does_not_change_with_the_order_of_keys(sql):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT governance_evidence_leaf(jsonb_populate_record("
            "NULL::evidence_trail, jsonb_build_object('context', c::jsonb)))) FROM (VALUES"
            """ ('{"a": 1, "bb": 2}'), ('{"bb":2,"a":1}')) AS rows (c)"""
        )
        assert cursor.fetchone() == (1,)
