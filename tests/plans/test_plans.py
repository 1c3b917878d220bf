"""What is asked often reads no large table whole and sorts none, however large the office is."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.pages import pages
from builders.actions import issue_token, record_heartbeat
from builders.models import Builder
from governance.attention import count_matters
from governance.watch import declare_stalls

# The tables that grow without end, and how many rows may be sorted: those of a chart's last days.
LARGE = ["tasks", "heartbeats", "evidence_trail"]
FEW = 10_000


@pytest.fixture
def read_whole(office):
    """Say which large tables this transaction has read whole since it was last asked."""
    before = {}

    def read_whole():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables"
                " WHERE relname = ANY (%s)",
                [LARGE],
            )
            read = dict(cursor.fetchall())
        found = {table for table, rows in read.items() if rows > before.get(table, 0)}
        before.update(read)
        return found

    return read_whole


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def sorts(statement):
    """Say how many rows a statement sorts at once, at most, as the planner expects."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}")
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    rows = [node["Plan Rows"] for node in nodes(plan) if node["Node Type"] == "Sort"]
    return max(rows, default=0)


def test_no_page_reads_a_large_table_whole_or_sorts_one(reader, read_whole):
    whole, large_sorts = {}, {}
    for page, path in pages().items():
        reader.get(path)  # what is kept from request to request is there now
        read_whole()
        with CaptureQueriesContext(connection) as asked:
            assert reader.get(path).status_code == 200
        if tables := read_whole():
            whole[page] = tables
        for statement in {query["sql"] for query in asked if "SELECT" in query["sql"][:8]}:
            if sorts(statement) > FEW:
                large_sorts.setdefault(page, []).append(statement)

    assert whole == {}
    assert large_sorts == {}


def test_neither_does_the_frame_of_every_page(read_whole):
    count_matters()
    assert read_whole() == set()


def test_neither_does_a_sweep_though_everybody_fell_silent(read_whole):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE builders SET last_heartbeat = now() - interval '1 hour'")
        cursor.execute("SET LOCAL session_replication_role = origin")

    assert declare_stalls()
    assert read_whole() == set()


def test_neither_does_a_heartbeat(read_whole):
    builder = Builder.objects.exclude(current_task=None)[0]
    _, token = issue_token(builder, by=None)
    read_whole()
    for progress in (None, 96):
        record_heartbeat(
            token,
            builder_id=builder.pk,
            task_id=builder.current_task_id,
            status="active",
            message="Almost there.",
            progress_percentage=progress,
            heartbeat_id=None,
            timestamp=None,
        )
    assert read_whole() == set()


def test_a_question_that_does_is_noticed(read_whole):
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tasks WHERE acceptance_criteria LIKE '%none%'")
    assert read_whole() == {"tasks"}
    assert sorts("SELECT * FROM tasks ORDER BY acceptance_criteria") > FEW
