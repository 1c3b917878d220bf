"""What a member sees of the office over HTTP: what is of their organisation, on every page."""

import re
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection
from django.test import Client
from django.urls import get_resolver, reverse

from governance.models import Evidence, OrganisationMember
from kit.live.views import still_reads
from kit.runtime.database.members import as_member
from programs.models import Program
from tests.admin.conftest import Office
from tests.factories import UserFactory
from tests.organisations.conftest import member_of

# What hangs on another organisation, or on the office itself, has one of these in its text.
KEY = re.compile(r"[0-9a-f]{8}-")  # in an address: what it is about is somebody's
OTHERS = re.compile(r"\b(beta|omega)\b", re.IGNORECASE)


@pytest.fixture
def ada(three):
    """A foreman of organisation a, logged in."""
    return log_in(three.a, "ada", "foreman")


def log_in(place, name, role):
    """Return a client with which a new member of an organisation is logged in."""
    person = UserFactory(username=name, roles=[])
    join(person, place, role)
    client = Client()
    client.force_login(person)
    return client


def join(person, place, role):
    OrganisationMember.objects.create(user=person, organisation_id=place.id, role=role)


def addresses(of):
    """Yield the name of each page, with what it is about of an organisation."""
    keys = {
        "programs:program": of.program.pk,
        "programs:wave": of.wave.pk,
        "programs:task": of.task.pk,
        "builders:builder": of.builder.pk,
        "governance:plan": of.program.pk,
        "governance:quality_run": of.run.pk,
    }
    sequence = Evidence.objects.within(of.task)[0].sequence
    for name, pattern in every_pattern():
        taken = set(pattern.pattern.converters)
        if not taken:
            yield name, reverse(name)
        elif taken == {"pk"} and (key := keys.get(name) or keys.get(name.rpartition("_")[0])):
            yield name, reverse(name, args=[key])
        elif taken == {"kind", "pk"}:
            yield name, reverse(name, kwargs={"kind": "task", "pk": of.task.pk})
        elif taken == {"sequence"}:
            yield name, reverse(name, args=[sequence])


def every_pattern(patterns=None, namespace=""):
    for each in get_resolver().url_patterns if patterns is None else patterns:
        if hasattr(each, "url_patterns"):
            inner = f"{each.namespace}:" if each.namespace else ""
            if each.namespace not in ("admin", "api-1.0.0"):
                yield from every_pattern(each.url_patterns, namespace + inner)
        elif each.name:
            yield namespace + each.name, each


def test_every_page_shows_what_is_of_its_readers_organisation(three, ada):
    shown = []
    for name, address in addresses(three.a):
        if name == "live:stream":
            continue
        answer = ada.get(address)
        assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR or name == "readyz", name
        assert not OTHERS.search(text_of(answer)), name
        if answer.status_code == HTTPStatus.OK:
            shown.append(name)
    assert len(shown) > 50


def test_what_is_another_organisations_is_as_if_it_did_not_exist(three, ada):
    with_a_key = {name for name, address in addresses(three.a) if KEY.search(address)}
    assert len(with_a_key) > 20
    for other in (three.b, three.itself):
        for name, address in addresses(other):
            if name in with_a_key:
                answer = ada.get(address)
                known = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
                assert answer.status_code in known, (name, answer.status_code)
                assert not OTHERS.search(text_of(answer)), name


def test_acts_on_what_is_another_organisations_change_nothing(three, ada):
    before = Evidence.objects.count()
    for name, address in addresses(three.b):
        if KEY.search(address):
            answer = ada.post(address, {"reason": "mine", "description": "mine", "text": "mine"})
            known = {HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}
            assert answer.status_code in known, (name, answer.status_code)
    assert Evidence.objects.count() == before


def test_a_person_works_for_one_of_their_organisations_at_a_time(three, ada):
    ben = log_in(three.b, "ben", "viewer")
    join(User.objects.get(username="ben"), three.a, "foreman")
    names = "program of (alpha|beta)"

    def seen():
        return set(re.findall(names, text_of(ben.get(reverse("programs:program_list")))))

    assert seen() == {"alpha"}  # the first by its name
    approve = reverse("programs:task_note", args=[three.a.task.pk])
    assert ben.post(approve, {"text": "Seen."}).status_code == HTTPStatus.FOUND
    choose = reverse("organisation_choose")
    assert ben.post(choose, {"organisation": three.b.id}).url == reverse("inbox")
    assert seen() == {"beta"}
    page = text_of(ben.get(reverse("inbox")))
    assert ">organisation of beta</span>" in page
    note = reverse("programs:task_note", args=[three.b.task.pk])
    assert ben.post(note, {"text": "Seen."}).status_code == HTTPStatus.FORBIDDEN
    for unknown in (three.itself.id, uuid4(), "", "beta"):
        assert ben.post(choose, {"organisation": unknown}).status_code == HTTPStatus.NOT_FOUND
    assert seen() == {"beta"}
    OrganisationMember.objects.filter(user__username="ben", organisation=three.b.id).delete()
    assert seen() == {"alpha"}


def test_the_whole_office_is_a_superusers_and_the_office_itself_everybody_elses(three, ada):
    root, eve = Client(), Client()
    root.force_login(UserFactory(username="root", is_superuser=True, roles=[]))
    eve.force_login(UserFactory(username="eve"))
    seen = {
        person: set(re.findall("program of (alpha|beta|omega)", text_of(client.get("/programs/"))))
        for person, client in (("root", root), ("eve", eve))
    }
    assert seen == {"root": {"alpha", "beta", "omega"}, "eve": {"omega"}}
    assert "Whole office" in text_of(root.get("/"))
    assert "The office itself" in text_of(eve.get("/"))


def test_a_busy_builder_is_that_and_no_more(three, ada):
    page = text_of(ada.get(reverse("builders:builder", args=[three.b.builder.pk])))
    assert "Busy" in page
    assert not OTHERS.search(page)


def test_a_live_page_of_a_member_stays_until_they_leave(three, ada):
    request = ada.get("/").wsgi_request
    assert still_reads(request)
    OrganisationMember.objects.filter(user__username="ada").delete()
    assert not still_reads(request)


def test_a_query_for_no_organisation_fails_loudly(three):
    """Also in one session after it has served an organisation, which a pool may lend again."""
    with member_of(three.a) as session:
        assert session.execute("SELECT count(*) FROM programs").fetchone() == (1,)
    with as_member(three.a.id):
        assert Program.objects.count() == 1
        session = connection.connection
        session.organisation = None
        with pytest.raises(ProgrammingError, match=r"foreman\.organisation is not set"):
            Program.objects.count()
    assert Program.objects.count() == 3


def text_of(answer):
    content = b"".join(answer) if answer.streaming else answer.content
    return content.decode(errors="replace")


def test_an_admin_of_an_organisation_corrects_its_records_and_no_others(three):
    ada, eve = log_in(three.a, "ada", "admin"), log_in(three.a, "eve", "viewer")
    index = text_of(ada.get(reverse("admin:index")))
    assert "Tasks" in index
    assert "Users" not in index
    assert "Records" in text_of(ada.get("/"))
    assert "program of alpha" in text_of(ada.get(reverse("admin:programs_program_changelist")))
    change = "admin:governance_blocker_change"
    saved = Office(ada).change(three.a.blocker, description="as it is", reason="It was misspelt.")
    assert saved.status_code == HTTPStatus.FOUND
    three.a.blocker.refresh_from_db()
    assert three.a.blocker.description == "as it is"
    newest = Evidence.objects.order_by("-sequence").first()
    assert newest.context["user"] == "ada"
    history = ada.get(reverse("admin:governance_blocker_history", args=[three.a.blocker.pk]))
    assert history.url == "../change/"
    for theirs in (three.b, three.itself):
        assert ada.get(reverse(change, args=[theirs.blocker.pk])).status_code == HTTPStatus.FOUND
    users = ada.get(reverse("admin:auth_user_changelist"))
    assert users.status_code == HTTPStatus.FORBIDDEN
    assert eve.get(reverse("admin:index")).status_code == HTTPStatus.FORBIDDEN
