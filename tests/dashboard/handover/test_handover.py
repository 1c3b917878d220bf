"""The page of the handover: what it says, who reads it, as a file and by mail."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.handover import content
from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.notifications import actions
from foreman_office.notifications.delivering import attempt_delivery
from governance.actions import (
    raise_blocker,
    read_handover,
    resolve_blocker,
    write_entity_note,
)
from governance.handover import last_reading
from governance.models import Delivery, Evidence, HandoverReading, Notice, OfficeLogEntry
from governance.record_places import Place, Reach
from kit.core.acts import Refused
from programs.actions import complete_task, move, write_note
from tests.factories import BlockerFactory, TaskFactory, UserFactory

pytestmark = pytest.mark.django_db

QUERIES = 45


@pytest.fixture
def johan(person):
    return User.objects.get(username="johan")


def read_all(client):
    """Read the handover as it is now."""
    page = client.get(reverse("handover"))
    sent = {"place": str(page.context["told"].until)}
    assert client.post(reverse("handover_read"), sent).status_code == 302


def told(client, **asked):
    """Return what each section of the page tells: the names of what it is about."""
    handover = client.get(reverse("handover"), asked).context["told"]
    return {
        section.name: [line.name for line in section.lines]
        for part in handover.parts
        for section in part.sections
    }


def block(task, by=None):
    return raise_blocker(task, classification="protected_path", description="It needs it.", by=by)


def test_what_happened_stands_in_one_section_each(person, johan, admin_user):
    wrong, over, done, noted = (TaskFactory(name=name, state="in-progress") for name in "ABCD")
    read_all(person)
    blocker = block(wrong)
    resolved = block(over)
    resolve_blocker(resolved, resolution_action="Moved.", by=admin_user)
    complete_task(done, evidence_location="here", by=admin_user, override="a scene")
    write_note(noted, text="Look at this.", by=admin_user)
    page = person.get(reverse("handover"))
    sections = told(person)
    assert sections["still"] == ["A"]
    assert sections["over"] == ["B"]
    assert "C" in sections["finished"]
    assert sections["notes"] == ["D"]
    assert admin_user.username in page.text
    assert blocker.description in page.text
    read_all(person)
    after = told(person)
    assert not {"still", "over", "finished", "notes", "decided"} & {*after}
    assert "A" in after["waits"]


def test_what_was_decided_is_told_with_the_person(person, johan, admin_user):
    task = TaskFactory(wave__state="planned")
    read_all(person)
    move(task.wave, "in-progress", by=admin_user, override="a scene")
    assert told(person)["decided"] == [str(task.wave)]
    assert admin_user.username in person.get(reverse("handover")).text


def test_who_has_a_decision_is_told_and_stands_beside_what_waits(person, johan, task):
    bob = UserFactory(username="bob", roles=["foreman"])
    block(task)
    reconcile()
    read_all(person)
    notice = Notice.objects.get(kind="blocker")
    actions.acknowledge(notice, by=bob)
    actions.snooze(notice, until=now() + timedelta(hours=2), impact=9, by=bob)
    actions.assign_decision(notice, person="johan", by=bob)
    page = person.get(reverse("handover")).text
    for words in ("Decision acknowledged", "Decision snoozed", "Decision assigned"):
        assert words in page
    assert "bob has it, assigned to johan, snoozed by bob until" in page
    read_all(person)
    assert "Decision snoozed" not in person.get(reverse("handover")).text


def test_a_reading_is_kept_in_the_office_log_and_never_goes_back(person, johan, task):
    place = last_reading(johan).place
    assert not HandoverReading.objects.exists()
    read_all(person)
    first = HandoverReading.objects.get(user=johan).place
    write_note(task, text="More.", by=None)
    read_all(person)
    second = HandoverReading.objects.get(user=johan).place
    assert Place.parse(second).evidence.upto > Place.parse(first).evidence.upto
    for older in (first, str(place), second):  # as another device sends it later
        person.post(reverse("handover_read"), {"place": older})
        assert HandoverReading.objects.get(user=johan).place == second
    log = OfficeLogEntry.objects.filter(action="handover_read").order_by("sequence")
    assert [(row.username, row.subject_name, row.context["place"]) for row in log] == [
        ("johan", "johan", first),
        ("johan", "johan", second),
    ]
    assert all(row.witnessed for row in log)


def test_a_place_that_the_record_does_not_have_is_refused(person, johan):
    last = Evidence.objects.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    beyond = Place(Reach(last + 1000))
    with pytest.raises(Refused):
        read_handover(johan, beyond, by=johan)
    assert person.post(reverse("handover_read"), {"place": str(beyond)}).status_code == 409
    assert person.post(reverse("handover_read"), {"place": "nonsense"}).status_code == 422
    assert person.post(reverse("handover_read"), {}).status_code == 422
    assert person.get(reverse("handover"), {"until": str(beyond)}).status_code == 404
    assert person.get(reverse("handover"), {"since": "nonsense"}).status_code == 404
    assert not HandoverReading.objects.exists()


def test_a_span_is_shared_by_its_address(person, johan, task):
    read_all(person)
    block(task)
    span = person.get(reverse("handover")).context["told"]
    asked = {"since": str(span.since), "until": str(span.until)}
    read_all(person)
    write_note(task, text="Later.", by=None)
    assert told(person)["notes"] == [task.name]
    then = told(person, **asked)
    assert then["still"] == [task.name]
    assert "notes" not in then
    # It is of the past: whoever has read further is offered nothing to confirm.
    assert "I have read this" not in person.get(reverse("handover"), asked).text
    assert "I have read this" in person.get(reverse("handover")).text


def test_what_is_not_read_yet_is_the_last_day(person, johan, task):
    page = person.get(reverse("handover"))
    assert "Of the last 24 hours" in page.text
    assert page.context["told"].records == Evidence.objects.count()


def test_long_lists_are_bounded_and_say_so(person, johan, wave, django_assert_max_num_queries):
    read_all(person)
    tasks = TaskFactory.create_batch(content.SHOWN + 3, wave=wave)
    with django_assert_max_num_queries(QUERIES):
        person.get(reverse("handover"))
    for task in tasks:
        write_note(task, text=f"On {task}.", by=None)
        block(task)
    page = person.get(reverse("handover"))
    assert f"{content.SHOWN} of {content.SHOWN + 3} are shown" in page.text
    assert page.text.count("On Task") <= content.SHOWN
    with django_assert_max_num_queries(QUERIES):
        person.get(reverse("handover"))


def test_programs_are_bounded(person, johan, monkeypatch):
    monkeypatch.setattr(content, "PROGRAMS_SHOWN", 2)
    read_all(person)
    for _ in range(4):
        BlockerFactory(entity=TaskFactory())
    page = person.get(reverse("handover"))
    assert len(page.context["told"].parts) == 2
    assert "more program" in page.text


def test_a_handover_that_is_cut_is_read_on(person, johan, monkeypatch):
    read_all(person)
    before = Evidence.objects.count()
    TaskFactory.create_batch(3)
    monkeypatch.setattr("governance.handover.MOST_EVIDENCE", 4)
    records = 0
    for _ in range(20):
        page = person.get(reverse("handover"))
        records += page.context["told"].records
        read_all(person)
        if not page.context["told"].is_cut:
            break
        assert "There is more" in page.text
    assert records == Evidence.objects.count() - before


def test_it_is_a_file_in_markdown(person, johan, task):
    read_all(person)
    type(task).objects.filter(pk=task.pk).update(name="A *starred* <task>")
    block(task)
    answer = person.get(reverse("handover"), {"export": "md"})
    assert answer.headers["Content-Type"].startswith("text/markdown")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="handover-')
    text = answer.content.decode()
    assert text.startswith("# Shift handover\n")
    assert "for johan, as of" in text
    assert f"## {task.wave.program}" in text
    assert "### Went wrong, and still is (1)" in text
    assert r"A \*starred\* \<task\>: Blocker" in text


def test_it_is_sent_by_mail_as_it_was(person, johan, task, settings):
    settings.FOREMAN_MAIL_IS_SET_UP, settings.FOREMAN_URL = True, "https://office.example"
    UserFactory(username="bob", email="bob@example.org", roles=["foreman"])
    UserFactory(username="eve", email="eve@example.org", roles=["viewer"])
    read_all(person)
    block(task)
    span = person.get(reverse("handover"))
    assert "Send by e-mail" in span.text
    told = span.context["told"]
    sent = {"since": str(told.since), "until": str(told.until), "person": "bob"}
    assert person.post(reverse("handover_mail"), sent | {"person": "eve"}).status_code == 422
    assert person.post(reverse("handover_mail"), sent).status_code == 302
    write_note(task, text="Not of this handover.", by=None)
    attempt_delivery(str(Delivery.objects.get().pk), reconcile)
    [message] = mail.outbox
    assert message.to == ["bob@example.org"]
    assert message.subject.startswith("Shift handover by johan: ")
    assert "### Went wrong, and still is (1)" in message.body
    assert "Not of this handover" not in message.body
    assert f"https://office.example/handover/?since={told.since}&until={told.until}" in message.body


def test_a_viewer_reads_and_confirms_and_sends_nothing(client, task, settings):
    settings.FOREMAN_MAIL_IS_SET_UP = True
    user = UserFactory(username="vera", roles=["viewer"])
    UserFactory(username="bob", email="bob@example.org", roles=["foreman"])
    client.force_login(user)
    assert "Send by e-mail" not in client.get(reverse("handover")).text
    read_all(client)
    assert HandoverReading.objects.get().user == user
    assert client.post(reverse("handover_mail"), {}).status_code == 403


def test_a_note_on_a_wave_is_told_of_its_program(person, johan, wave):
    read_all(person)
    about = {
        "about_kind": "wave",
        "about_key": str(wave.pk),
        "about_name": str(wave),
        "entity_type": "wave",
        "entity_id": wave.pk,
    }
    write_entity_note(about, text="It is late.", by=johan)
    [part] = person.get(reverse("handover")).context["told"].parts
    assert part.program == wave.program
    assert told(person)["notes"] == [str(wave)]


def test_the_inbox_tells_what_finished_since_the_same_place(person, johan):
    task = TaskFactory(state="in-progress", name="Masonry")
    complete_task(task, evidence_location="here", by=None, override="a scene")
    inbox = person.get(reverse("inbox")).text
    assert "In the last 24 hours" in inbox
    assert "Masonry" in inbox
    read_all(person)
    inbox = person.get(reverse("inbox")).text
    assert "Since you left" in inbox
    assert "Nothing has finished" in inbox
