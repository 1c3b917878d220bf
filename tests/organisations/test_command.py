"""Organisations, their members and programs, as the command and other writers change them."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils.timezone import now
from psycopg import errors

from foreman_office.dashboard.evidence.sentences import describe
from governance.models import Evidence, OfficeLogEntry
from governance.replay import Replay
from kit.runtime.database_addresses import OFFICE, user_of
from programs import actions
from programs.models import Organisation, Program
from tests.factories import (
    BuilderTokenFactory,
    CITokenFactory,
    OrganisationFactory,
    OrganisationMemberFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
)
from tests.organisations.conftest import member_of
from tests.races import overlap

pytestmark = pytest.mark.django_db
WHY = ("--reason", "They were sold.")


def run(*words):
    said, warned = StringIO(), StringIO()
    call_command("organisation", *words, stdout=said, stderr=warned)
    return said.getvalue() + warned.getvalue()


def logged():
    """Return what the office log tells of organisations, as act, subject, organisation and role."""
    rows = OfficeLogEntry.objects.filter(action__startswith="organisation", witnessed=True)
    return [
        (row.action, row.subject_name, row.context.get("organisation"), row.context.get("role"))
        for row in rows.order_by("sequence")
    ]


def differences():
    return Replay().first_differences()


def test_an_organisation_is_made_gets_members_and_programs_and_is_removed(db):
    UserFactory(username="ada")
    task = TaskFactory(wave__program__name="Bridge")
    run("add", "North")
    run("member", "North", "ada", "--role", "viewer", "--reason", "She asked.")
    assert "ada is admin in North" in run("member", "North", "ada", "--role", "admin")
    assert "the heartbeats of all builders, wait" in run("move", "Bridge", "North", *WHY)
    run("rename", "North", "South", *WHY)
    assert run("list").splitlines() == [
        "South: 1 program, ada (admin)",
        "the office itself: 0 programs",
    ]
    task.refresh_from_db()
    [south] = Organisation.objects.all()
    assert str(south.pk) == connection_value("SELECT organisation_id FROM tasks")

    with pytest.raises(CommandError, match=r"has a program: move .* \(governance_organisations_in"):
        run("remove", "South", *WHY)
    run("move", "Bridge", "--to-the-office", *WHY)
    run("leave", "South", "ada", *WHY)
    run("member", "South", "ada", "--role", "foreman")
    run("remove", "South", *WHY)

    assert not Organisation.objects.exists()
    assert logged() == [
        ("organisation_created", "North", None, None),
        ("organisation_member_created", "ada", "North", "viewer"),
        ("organisation_member_edited", "ada", "North", "admin"),
        ("organisation_edited", "South", None, None),
        ("organisation_member_deleted", "ada", "South", "admin"),
        ("organisation_member_created", "ada", "South", "foreman"),
        ("organisation_member_deleted", "ada", "South", "foreman"),
        ("organisation_deleted", "South", None, None),
    ]
    given = OfficeLogEntry.objects.get(action="organisation_member_edited").context
    assert given["changes"] == {"role": ["viewer", "admin"]}
    gone = OfficeLogEntry.objects.get(action="organisation_deleted").context
    assert gone["reason"] == "They were sold."
    moves = Evidence.objects.filter(context__changes__has_key="organisation_id")
    assert [(each.what, each.detail) for each in describe(moves.order_by("sequence"))] == [
        ("Moved from the office itself to organisation North", "They were sold."),
        ("Moved from organisation South to the office itself", "They were sold."),
    ]
    assert differences() == []


def test_an_organisation_that_has_had_tokens_stays(db):
    for make in (BuilderTokenFactory, CITokenFactory):
        organisation = OrganisationFactory()
        make(organisation=organisation, revoked_at=now())
        with pytest.raises(CommandError, match=r"had tokens.*_organisations_in_use"):
            run("remove", organisation.name, *WHY)
    assert Organisation.objects.count() == 2


def connection_value(query):
    with connection.cursor() as cursor:
        cursor.execute(query)
        return str(cursor.fetchone()[0])


def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(db, settings):
    OrganisationFactory(name="North")
    UserFactory(username="ada")
    ProgramFactory(name="Bridge")
    for words, expected in (
        (("add", "North"), "An organisation of this name exists"),
        (("add", " North"), "no space at its ends"),
        (("add", "N" * 101), "1 to 100 characters"),
        (("rename", "West", "East", *WHY), "No organisation is named 'West'"),
        (("rename", "North", "", *WHY), "1 to 100 characters"),
        (("rename", "North", "East", "--reason", " "), "say why"),
        (("rename", "North", "East"), "--reason"),
        (("remove", "West", *WHY), "No organisation is named 'West'"),
        (("member", "North", "eve", "--role", "viewer"), "No user is called eve.*createsuperuser"),
        (("member", "North", "ada", "--role", "builder"), "invalid choice: 'builder'"),
        (("leave", "North", "ada", *WHY), "ada is no member of North"),
        (("move", "Tower", "North", *WHY), "No program is named 'Tower'"),
        (("move", "Bridge", "West", *WHY), "No organisation is named 'West'"),
        (("move", "Bridge", "--to-the-office", *WHY), "belongs to the office itself already"),
        (("move", "Bridge", "North"), "--reason"),
        (("move", "Bridge", *WHY), "one of the arguments .* is required"),
    ):
        with pytest.raises(CommandError, match=expected):
            run(*words)
    settings.DATABASE_ROLES = {
        role: address for role, address in settings.DATABASE_ROLES.items() if role != "member"
    }
    for words in (
        ("add", "East"),
        ("member", "North", "ada", "--role", "viewer"),
        ("move", "Bridge", "North", *WHY),
    ):
        with pytest.raises(CommandError, match="set DATABASE_MEMBER_URL"):
            run(*words)
    assert run("list").splitlines() == [
        "North: 0 programs, no members",
        "the office itself: 1 program",
    ]


def test_any_writer_is_told_by_name_and_nobody_changes_keys(sql, refuses):
    member = OrganisationMemberFactory(organisation__name="North", user__username="ada")
    other = OrganisationMemberFactory(
        organisation=member.organisation, user=UserFactory(username="bob", roles=[])
    )
    sql("UPDATE organisations SET name = 'South'")
    sql("DELETE FROM auth_user WHERE id = %s", other.user_id)
    sql("UPDATE organisation_members SET role = role")
    for statement in (
        "UPDATE organisations SET organisation_id = gen_random_uuid()",
        "UPDATE organisation_members SET member_id = gen_random_uuid()",
        "UPDATE organisation_members SET user_id = user_id + 1",
    ):
        with refuses("governance_key_is_final"):
            sql(statement)
    sql("DELETE FROM organisations")
    assert logged() == [
        ("organisation_created", "North", None, None),
        ("organisation_member_created", "ada", "North", "foreman"),
        ("organisation_member_created", "bob", "North", "foreman"),
        ("organisation_edited", "South", None, None),
        ("organisation_member_deleted", "bob", "South", "foreman"),
        ("organisation_member_deleted", "ada", "South", "foreman"),
        ("organisation_deleted", "South", None, None),
    ]
    rows = OfficeLogEntry.objects.filter(action__startswith="organisation")
    assert all(row.context["database_role"] == user_of(OFFICE) for row in rows)
    assert differences() == []


def test_a_member_reads_its_organisation_and_its_members_and_writes_neither(three):
    with member_of(three.a) as session:
        names = session.execute("SELECT name FROM organisations").fetchall()
        assert names == [("organisation of alpha",)]
        [(organisation,)] = session.execute(
            "SELECT organisation_id FROM organisation_members"
        ).fetchall()
        assert organisation == three.a.id
        for statement in (
            "UPDATE organisations SET name = 'x'",
            "DELETE FROM organisation_members",
            "INSERT INTO organisations (name) VALUES ('x')",
        ):
            with pytest.raises(errors.InsufficientPrivilege), session.transaction():
                session.execute(statement)


@pytest.mark.parametrize("deleted_first", [True, False])
def test_no_program_comes_to_an_organisation_while_it_is_deleted(connect, deleted_first):
    organisation = OrganisationFactory()
    delete = ["DELETE FROM organisations"]
    insert = [
        (
            "INSERT INTO programs (program_id, name, description, objectives, state,"
            " organisation_id) VALUES (gen_random_uuid(), 'late', '', '[]', 'planned', %s)",
            [organisation.pk],
        )
    ]
    first, second = overlap(connect, *((delete, insert) if deleted_first else (insert, delete)))
    assert first is None
    rule = "programs_programs_organisation" if deleted_first else "governance_organisations_in_use"
    assert second.diag.constraint_name == rule
    assert Program.objects.exists() is not deleted_first


def test_who_works_for_an_organisation_works_for_one_that_is_there(three):
    with member_of(three.a) as session:
        session.execute("SELECT set_config('foreman.organisation', gen_random_uuid()::text, true)")
        with pytest.raises(errors.CheckViolation, match="There is no organisation with the id"):
            session.execute(
                "INSERT INTO programs (program_id, name, description, objectives, state)"
                " VALUES (gen_random_uuid(), 'nowhere', '', '[]', 'planned')"
            )


def test_a_program_that_moves_lets_whoever_holds_its_tables_finish(connect, monkeypatch):
    monkeypatch.setattr(actions, "LOCK_PATIENCE", "10ms")
    task = TaskFactory(wave__program__name="Bridge")
    OrganisationFactory(name="North")
    other = connect()
    other.execute("BEGIN")
    other.execute("INSERT INTO heartbeats (builder_id, status) VALUES ('ui-builder', 'idle')")
    with pytest.raises(CommandError, match="nothing was changed"):
        run("move", "Bridge", "North", *WHY)
    assert not Evidence.objects.filter(context__changes__has_key="organisation_id").exists()

    tries = iter(range(actions.MOVE_ATTEMPTS))
    tried = actions._move_to_organisation

    def once_more(*args):
        if next(tries) == 1:
            other.execute("COMMIT")
        return tried(*args)

    monkeypatch.setattr(actions, "_move_to_organisation", once_more)
    run("move", "Bridge", "North", *WHY)
    assert next(tries) == 2
    assert str(Organisation.objects.get().pk) == connection_value(
        f"SELECT organisation_id FROM tasks WHERE task_id = '{task.pk}'"
    )
