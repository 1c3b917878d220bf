"""What belongs to an organisation is seen by its members alone, and moves as a whole."""

import psycopg
import pytest
from django.db import connection

from foreman_office.database_roles.declared import CALLED_BY_MEMBERS, READ_BY_MEMBERS
from foreman_office.database_roles.policies import POLICIES
from governance.models import Evidence
from kit.core.acts import act
from kit.runtime.database_addresses import MEMBER, UPKEEP, acting_as, user_of
from programs.models import Program
from tests.organisations.conftest import ITSELF, member_of

# Tables without row level security, and why: a member's role has no right on them at all, or they
# hold nothing of anybody's.
CLOSED_TO_MEMBERS = {
    # Who may log in, how, and what was done with that.
    *("auth_user", "auth_group", "auth_permission", "auth_group_permissions", "auth_user_groups"),
    *("auth_user_user_permissions", "django_session", "office_sessions"),
    *("login_attempts", "second_factors", "recovery_codes", "openid_accounts"),
    # What the bearers of tokens sent.
    *("usage_series", "usage_points", "usage_remarks"),
    # The queue of messages, and what is a person's own.
    *("procrastinate_jobs", "procrastinate_events", "procrastinate_workers"),
    *("procrastinate_periodic_defers", "handover_readings", "refused_acts"),
    "list_columns",
    "django_migrations",
}


# What belongs to the whole office where it belongs to no organisation, and what goes with a row.
OFFICES = {
    "django_admin_log",
    "builder_pauses",
    *("notification_channels", "notification_rules", "deliveries", "delivery_notices"),
    *("office_log", "usage_sessions", "usage_arrivals", "idempotency_keys", "ci_idempotency_keys"),
    *("builder_tokens", "ci_tokens"),
}


def test_every_table_has_row_level_security_or_a_reason_to_have_none(sql, db):
    secured = {
        name: bool(policies)
        for name, policies in sql(
            "SELECT relname, (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid)"
            " FROM pg_class WHERE relkind IN ('r', 'p') AND relrowsecurity"
            " AND relnamespace = 'public'::regnamespace"
        )
    }
    every = {
        name
        for (name,) in sql(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'public'::regnamespace"
        )
    }
    assert secured == dict.fromkeys(POLICIES, True)
    assert every - secured.keys() == CLOSED_TO_MEMBERS | READ_BY_MEMBERS
    readable = sql(
        "SELECT relname FROM pg_class WHERE relname = ANY (%s) AND ("
        "has_any_column_privilege(%s, oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
        " OR has_table_privilege(%s, oid, 'DELETE, TRUNCATE, TRIGGER'))",
        sorted(CLOSED_TO_MEMBERS),
        user_of(MEMBER),
        user_of(MEMBER),
    )
    assert readable == []


def test_no_view_function_or_role_leads_a_member_past_the_policies(sql, db):
    member = user_of(MEMBER)
    assert (
        sql(
            "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm')"
            " AND relnamespace = 'public'::regnamespace"
        )
        == []
    )
    called = sql(
        "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        " AND has_function_privilege(%s, oid, 'EXECUTE')",
        member,
    )
    assert {name for (name,) in called} == CALLED_BY_MEMBERS
    [attributes] = sql(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname = %s",
        member,
    )
    assert attributes == (False, False, False, False)


def rows_of(execute, table, where=""):
    return {key for (key,) in execute(f"SELECT ctid::text FROM {table} {where}").fetchall()}


def office(statement):
    cursor = connection.cursor()
    cursor.execute(statement)
    return cursor


def test_each_row_is_seen_by_one_organisation_and_by_the_office(three):
    of = {"programs": "coalesce(organisation_id, programs_office_itself())"}
    shared = {"builders", "staged_records", "staged_imports", "saved_views", "sent_forms"} | OFFICES
    never_here = {"qa_suite_turns", "qa_thinned_runs"}  # see below: their rows come with a run's
    of_none = {"organisations", "organisation_members"}  # the office itself is no organisation
    for table in POLICIES.keys() - shared:
        whole = rows_of(office, table)
        assert whole or table in never_here, table
        seen = []
        for organisation in (three.a, three.b, three.itself):
            with member_of(organisation) as session:
                seen.append(rows_of(session.execute, table))
            column = of.get(table, "organisation_id")
            assert seen[-1] == rows_of(office, table, f"WHERE {column} = '{organisation.id}'"), (
                table
            )
            is_empty = table in never_here or (organisation is three.itself and table in of_none)
            assert seen[-1] or is_empty, table
        assert sum(map(len, seen)) == len(whole), table
        assert set().union(*seen) == whole, table


def test_texts_of_one_organisation_are_nowhere_in_what_another_sees(three):
    with member_of(three.a) as session:
        for table in [*POLICIES, *READ_BY_MEMBERS]:
            rows = session.execute(f"SELECT to_jsonb(row)::text FROM {table} AS row").fetchall()
            for (text,) in rows:
                for word in (" beta", " omega", str(three.b.task.pk), str(three.b.program.pk)):
                    assert word not in text, (table, text)


def test_a_builder_is_seen_with_its_own_organisation_alone_or_while_it_is_free(three):
    names = "SELECT builder_id FROM builders ORDER BY 1"
    with member_of(three.a) as session:
        seen = [name for (name,) in session.execute(names).fetchall()]
        assert three.a.builder.pk in seen
        assert not {three.b.builder.pk, three.itself.builder.pk} & {*seen}
        taken = session.execute(
            "UPDATE builders SET state = 'idle' WHERE builder_id = %s", [three.b.builder.pk]
        )
        assert taken.rowcount == 0
        free = next(name for name in seen if name != three.a.builder.pk)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(
                "UPDATE builders SET current_task_id = %s WHERE builder_id = %s",
                [three.b.task.pk, free],
            )


def test_a_member_writes_for_its_own_organisation_alone(three):
    with member_of(three.a) as session:
        for table in ("saved_views", "sent_forms", "staged_imports"):
            (default,) = session.execute(
                "SELECT has_table_privilege(%s, 'INSERT')", [table]
            ).fetchone()
            assert default, table
        session.execute(
            "INSERT INTO staged_imports (import_id, name, created_at) VALUES"
            " (gen_random_uuid(), 'file', now())"
        )
        program = "INSERT INTO programs (program_id, name, description, objectives, state{}) VALUES"
        session.execute(program.format("") + " (gen_random_uuid(), 'mine', '', '[]', 'planned')")
        found = session.execute("SELECT organisation_id FROM programs WHERE name = 'mine'")
        assert found.fetchone() == (three.a.id,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(
                program.format(", organisation_id")
                + " (gen_random_uuid(), 'theirs', '', '[]', 'planned', %s)",
                [three.b.id],
            )
    with member_of(three.b) as session:
        assert session.execute("SELECT count(*) FROM staged_imports").fetchone() == (0,)


def test_what_hangs_on_a_program_moves_with_it_and_evidence_keeps_its_bytes(three):
    leaves = (
        "SELECT sequence, governance_evidence_leaf(evidence_trail) FROM evidence_trail ORDER BY 1"
    )
    before = office(leaves).fetchall()
    with act(None, override="They were sold."):
        Program.objects.filter(pk=three.b.program.pk).update(organisation_id=three.a.id)

    assert office(leaves).fetchall()[: len(before)] == before
    newest = Evidence.objects.order_by("-sequence").first()
    assert newest.entity_id == three.b.program.pk
    assert newest.context["changes"]["organisation_id"] == [str(three.b.id), str(three.a.id)]
    stay = {"builders", "staged_records", "programs", "organisations", "organisation_members"}
    for table in POLICIES.keys() - stay - OFFICES:
        left = office(f"SELECT count(*) FROM {table} WHERE organisation_id = '{three.b.id}'")
        assert left.fetchone() == (0,), table
    disabled = office("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'O'")
    assert disabled.fetchone() == (0,)
    with member_of(three.a) as session:
        seen = session.execute("SELECT name FROM tasks").fetchall()
        assert {("task of alpha",), ("task of beta",)} <= {*seen}
        told = session.execute("SELECT count(*) FROM known_tests WHERE name = 'test of beta'")
        assert told.fetchone() == (1,)


def test_nothing_but_a_program_moves(three, sql, refuses):
    a, b = three.a, three.b
    for statement in (
        f"UPDATE tasks SET wave_id = '{a.wave.pk}' WHERE task_id = '{b.spare.pk}'",
        f"UPDATE tasks SET organisation_id = '{a.id}' WHERE task_id = '{b.spare.pk}'",
        f"UPDATE waves SET program_id = '{a.program.pk}' WHERE wave_id = '{b.wave.pk}'",
        f"UPDATE blockers SET entity_id = '{a.spare.pk}' WHERE blocker_id = '{b.blocker.pk}'",
    ):
        with refuses("governance_organisation_stays"):
            sql(statement)


def test_a_row_belongs_to_what_it_is_about_whatever_its_writer_says(three, sql):
    sql(
        "INSERT INTO heartbeats (builder_id, task_id, status, organisation_id)"
        " VALUES (%s, %s, 'active', %s)",
        three.b.builder.pk,
        three.b.task.pk,
        three.a.id,
    )
    of_task = "SELECT DISTINCT organisation_id FROM heartbeats WHERE task_id = %s"
    assert sql(of_task, three.b.task.pk) == [(three.b.id,)]


def test_upkeep_and_whoever_reads_reports_see_everything(three, sql):
    whole = {table: len(rows_of(office, table)) for table in POLICIES}
    with acting_as(UPKEEP):
        assert {table: len(rows_of(office, table)) for table in POLICIES} == whole
    assert three.a.id != ITSELF
