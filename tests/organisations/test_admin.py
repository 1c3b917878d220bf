"""Organisations, their members and their programs in the admin: for a reason, with a trace."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from foreman_office.dashboard.evidence.sentences import describe
from governance.models import Evidence, OfficeLogEntry, OrganisationMember
from governance.replay import Replay
from programs.models import Organisation, Program
from tests.admin.conftest import Office, errors
from tests.factories import (
    OrganisationFactory,
    OrganisationMemberFactory,
    ProgramFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
WHY = "They have begun to work with us."


@pytest.fixture
def office(client):
    """The admin as somebody of its group sees it, who is no superuser."""
    client.force_login(UserFactory(username="ada", is_staff=True, roles=["admin"]))
    return Office(client)


def member(user, role, number=0, **more):
    values = {"user": user.pk, "role": role, **more}
    return {f"members-{number}-{name}": str(value) for name, value in values.items()}


def rows(total):
    return {"members-TOTAL_FORMS": str(total)}


def test_an_admin_makes_an_organisation_and_its_members_for_a_reason(office):
    eve, bob = UserFactory(username="eve"), UserFactory(username="bob")
    added = {"name": "North", **rows(2), **member(eve, "foreman"), **member(bob, "viewer", 1)}
    assert "This field is required." in errors(office.add(Organisation, **added))
    assert not Organisation.objects.exists()
    assert office.add(Organisation, **added, reason=WHY).status_code == 302
    north = Organisation.objects.get(name="North")
    [first, second] = OrganisationMember.objects.order_by("user__username")
    assert (first.user, first.role, second.role) == (bob, "viewer", "foreman")

    page = office.open(north)
    of_bob, of_eve = sorted(
        page.context["inline_admin_formsets"][0].formset.initial_forms,
        key=lambda form: form.instance.user.username,
    )
    changed = {f"{of_bob.prefix}-role": "admin", f"{of_eve.prefix}-DELETE": "on", "name": "South"}
    assert "This field is required." in errors(office.change(north, **changed))
    assert office.change(north, **changed, reason=WHY).status_code == 302
    [left] = OrganisationMember.objects.all()
    assert (left.user, left.role, left.organisation.name) == (bob, "admin", "South")

    question = office.client.get(office.url(north, "delete", north.pk)).text
    assert "Kept in the office log." in question
    assert errors_of_deletion(office, north) == "Enter a reason: the office log keeps it."
    assert office.delete(north, reason=WHY).status_code == 302
    told = OfficeLogEntry.objects.filter(action__startswith="organisation").order_by("sequence")
    assert [(each.action, each.subject_name) for each in told] == [
        ("organisation_created", "North"),
        ("organisation_member_created", "eve"),
        ("organisation_member_created", "bob"),
        ("organisation_edited", "South"),
        ("organisation_member_deleted", "eve"),
        ("organisation_member_edited", "bob"),
        ("organisation_member_deleted", "bob"),
        ("organisation_deleted", "South"),
    ]
    assert {(each.username, each.context["reason"]) for each in told} == {("ada", WHY)}
    assert Replay().first_differences() == []
    office.client.force_login(UserFactory())
    log = office.client.get(reverse("governance:office_log")).text
    assert "organisation: South" in log
    assert "role: viewer → admin" in log


def errors_of_deletion(office, organisation):
    answer = office.delete(organisation)
    [message] = office.client.get(answer.url).context["messages"]
    return str(message).partition(" (rule")[0]


def test_an_organisation_that_has_a_program_stays(office):
    program = ProgramFactory(organisation_id=OrganisationFactory(name="North").pk)
    answer = office.delete(Organisation.objects.get(), reason=WHY)
    [message] = office.client.get(answer.url).context["messages"]
    assert "governance_organisations_in_use" in str(message)
    chosen = office.delete_selected(Organisation, [Organisation.objects.get()], reason=WHY)
    [message] = office.client.get(chosen.url).context["messages"]
    assert "governance_organisations_in_use" in str(message)
    assert Program.objects.get().organisation_id == program.organisation_id


def refused(page):
    """Return what is said of the members as a whole."""
    [told] = page.context["inline_admin_formsets"][0].formset.non_form_errors()
    return told


def test_nobody_changes_memberships_of_their_own_or_of_those_above_them(office):
    ada = User.objects.get(username="ada")
    root = UserFactory(username="root", is_superuser=True, is_staff=True)
    north = OrganisationFactory()
    for person in (ada, root):
        new = {**rows(1), **member(person, "admin"), "reason": WHY}
        assert f"the membership of {person}" in refused(office.change(north, **new))
        OrganisationMemberFactory(organisation=north, user=person, role="viewer")
        for change in ({"members-0-role": "admin"}, {"members-0-DELETE": "on"}):
            answer = office.change(north, **change, reason=WHY)
            assert f"the membership of {person}" in refused(answer)
        assert office.client.get(office.url(north, "delete", north.pk)).status_code == 403
        OrganisationMember.objects.all().delete()
    office.client.force_login(root)
    assert office.change(north, **rows(1), **member(root, "admin"), reason=WHY).status_code == 302


def test_a_program_is_given_to_an_organisation_for_a_reason_with_all_that_hangs_on_it(office):
    north = OrganisationFactory(name="North")
    task = TaskFactory(wave__program__name="Bridge")
    program = task.wave.program
    page = office.open(program)
    choices = page.context["adminform"].form.fields["organisation_id"].choices
    assert [label for _, label in choices] == ["the office itself", "North"]
    moved = {"organisation_id": str(north.pk)}
    assert errors(office.change(program, **moved)) == ["Enter a reason: this is a correction."]
    assert office.change(program, **moved, reason=WHY).status_code == 302
    program.refresh_from_db()
    assert program.organisation_id == north.pk
    assert office.change(program, due_on="2027-01-01").status_code == 302
    told = Evidence.objects.filter(entity_type="program", action="edited").order_by("sequence")
    assert [(each.what, each.detail) for each in describe(told)] == [
        ("Moved from the office itself to organisation North", WHY),
        ("Due date: 2027-01-01", ""),
    ]
    assert told[0].context["user"] == "ada"

    nowhere = "0a0a0a0a-0000-4000-8000-000000000001"
    assert errors(office.change(program, organisation_id=nowhere, reason=WHY))
    Program.objects.update(organisation_id=nowhere)
    assert office.change(program, due_on="2027-01-02").status_code == 302
    program.refresh_from_db()
    assert str(program.organisation_id) == nowhere
    assert office.change(program, organisation_id="", reason=WHY).status_code == 302
    program.refresh_from_db()
    assert program.organisation_id is None
    assert Replay().first_differences() == []


def test_the_admin_is_for_people_of_the_office_itself(client):
    north = OrganisationFactory()
    eve = UserFactory(username="eve", roles=[], is_staff=True)
    eve.user_permissions.set(Permission.objects.all())
    OrganisationMemberFactory(organisation=north, user=eve, role="admin")
    client.force_login(eve)
    for page in (reverse("admin:index"), Office(client).url(north, "change", north.pk)):
        assert client.get(page).status_code == 403
    eve.groups.add(Group.objects.get(name="admin"))
    assert client.get(page).status_code == 200
