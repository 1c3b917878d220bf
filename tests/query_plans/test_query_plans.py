"""What is asked often reads no large table whole and sorts none, however large the office is."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bench.pages import pages
from builders.actions import issue_token, record_heartbeat
from builders.models import Builder
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from governance.watch import declare_stalls
from tests.database import without_triggers

# The tables that grow without end, and how many rows may be sorted: those of a chart's last days.
LARGE = ["tasks", "plan_texts", "heartbeats", "evidence_trail"]
FEW = 10_000
MANY = 30_000  # rows that a list's question may look at: it takes some milliseconds


@pytest.fixture
def read_whole(office):
    """Return which large tables this transaction has read whole since the last call."""
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


def explained(statement, options=""):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options and options + ', '}FORMAT JSON) {statement}")
        found = cursor.fetchone()[0]
    return (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]


def sorts(statement):
    """Return how many rows a statement sorts at once, at most, as the planner expects."""
    plan = explained(statement)
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


# --- lists --------------------------------------------------------------------------------------

LISTS = [
    "programs:program_list",
    "programs:task_list",
    "governance:blocker_list",
    "governance:violation_list",
    "governance:quality_runs",
    "governance:quality_validations",
    "governance:evidence_list",
]


def looked_at(statement):
    """Run a statement, and return how many rows of tables and indexes it read."""
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(explained(statement, "ANALYZE, TIMING OFF"))
        if "Relation Name" in node
    )


def asked_by(reader, path):
    """Request a page, and return its queries and its content."""
    with CaptureQueriesContext(connection) as asked:
        answer = reader.get(path)
    assert answer.status_code == 200
    return {q["sql"] for q in asked if q["sql"].startswith("SELECT")}, answer.context["listing"]


@pytest.mark.parametrize("view", LISTS)
def test_a_list_looks_at_few_rows_whatever_it_is_asked_for(view, reader):
    """Each filter, each order, single letters and rarer words, a page further on and back."""
    _, listing = asked_by(reader, reverse(view))
    words = {
        name: [str(value) for value, _ in list(field.choices)[:8]]
        for name, field in listing.form.fields.items()
        if hasattr(field, "choices")
    }
    words |= {"q": ["a", "t", "invoice", "invoice screen", "nothing"]} if "q" in words else {}
    addresses = [listing.address(**{name: value}) for name in words for value in words[name]]
    dear = {}
    for address in [reverse(view), *addresses]:
        while address:
            statements, listing = asked_by(reader, address)
            for statement in statements:
                if (rows := looked_at(statement)) > MANY:
                    dear.setdefault(address, []).append(f"{rows:,} rows: {statement[:800]}")
            further = "after=" not in address and "before=" not in address
            address = listing.next if further else "before=" not in address and listing.previous

    assert dear == {}


def test_the_few_that_a_word_leaves_are_not_looked_for_among_all(reader):
    """Left to itself the database walks through all tasks in order until it met enough."""
    statements, listing = asked_by(reader, reverse("programs:task_list") + "?q=invoice")
    found = int(listing.count.partition(" ")[0])
    assert found > listing.size
    named = [each for each in statements if "tsquery" in each and "updated_at" in each]
    assert not any(
        node.get("Rows Removed by Filter", 0)
        for node in nodes(explained(named[0], "ANALYZE, TIMING OFF"))
        if node.get("Relation Name") == "tasks"
    )


@pytest.mark.parametrize("status", ["RED", "PARTIAL"])
def test_how_the_latest_runs_ended_is_read_off_an_index(status, reader):
    statements, listing = asked_by(reader, reverse("programs:task_list") + f"?qa={status}")
    assert listing.rows
    asked = [each for each in statements if f"'{status}'" in each]
    assert asked
    for statement in asked:
        used = {node.get("Index Name") for node in nodes(explained(statement))}
        assert "idx_qa_latest_runs_not_green" in used


def test_the_days_of_a_chart_are_summed_up_from_indexes_alone(reader):
    with CaptureQueriesContext(connection) as asked:
        reader.get(reverse("governance:quality"))
    slots = [query["sql"] for query in asked if "generate_series" in query["sql"]]
    used = {
        (node["Node Type"], node.get("Index Name"))
        for statement in slots
        for node in nodes(explained(statement))
        if "Relation Name" in node
    }
    assert ("Index Only Scan", "idx_qa_executions_figures") in used
    # Of setbacks there are few, each in an index of its own.
    assert {name for _, name in used} == {
        "idx_qa_executions_figures",
        "idx_qa_suite_turns_lost",
        "idx_claims_refused",
    }


# --- what nobody asks a page for ------------------------------------------------------------------


def test_neither_does_the_frame_of_every_page(read_whole):
    count_pending()
    assert read_whole() == set()


def test_neither_does_a_sweep_though_everybody_fell_silent(read_whole):
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE builders SET last_heartbeat = now() - interval '1 hour',"
            " heard_at = now() - interval '1 hour'"
        )

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
