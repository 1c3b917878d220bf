"""Notes on everything: written and withdrawn by people, edited by nobody, kept in the evidence."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from foreman_office.dashboard.inbox.reconciling import reconcile
from foreman_office.dashboard.notes.queries import LISTED, UNFOLDED
from foreman_office.dashboard.notes.subjects import find_subject
from governance.actions import write_entity_note
from governance.models import MOST_ENTITY_NOTES, EntityNote, Evidence, NotedKind
from kit.core.acts import Refused
from programs.actions import withdraw_note
from programs.models import TaskNote
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    QAExecutionFactory,
    TaskNoteFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def things(task):
    """Return what notes can be written on: by kind, its key, its page, the subject in evidence."""
    violation = GovernanceViolationFactory(task=task)
    blocker = BlockerFactory(entity=task.wave)
    run, validation = QAExecutionFactory(task=task), ArchitectureValidationFactory(task=task)
    builder = BuilderFactory(builder_id="ui-builder")
    reconcile()
    key = f"violation-task-{task.pk}-{violation.pk}"
    notes = "notes"
    return {
        "task": (task.pk, task.get_absolute_url(), task),
        "program": (task.wave.program_id, task.wave.program.get_absolute_url(), task.wave.program),
        "wave": (task.wave_id, task.wave.get_absolute_url(), task.wave),
        "builder": (builder.pk, builder.get_absolute_url(), builder),
        "run": (run.pk, run.get_absolute_url(), task),
        "decision": (key, reverse("decision", args=[key]), task),
        "blocker": (blocker.pk, reverse(notes, args=["blocker", blocker.pk]), task.wave),
        "violation": (violation.pk, reverse(notes, args=["violation", violation.pk]), task),
        "validation": (validation.pk, reverse(notes, args=["validation", validation.pk]), task),
    }


def test_a_note_on_each_kind_stands_on_its_page_and_in_the_evidence(person, things, subtests):
    assert {*things} == {"task", *NotedKind.values}
    for kind, (key, page, about) in things.items():
        with subtests.test(kind):
            sent = {"text": f"On the **{kind}** <script>"}
            assert person.post(reverse("note_write", args=[kind, key]), sent).status_code == 302
            shown = person.get(page).text
            assert f"On the <strong>{kind}</strong> &lt;script&gt;" in shown
            assert "johan" in shown
            assert person.get(reverse("notes", args=[kind, key])).status_code == 200
            act = Evidence.objects.of(about).latest("sequence")
            assert act.action == ("note_recorded" if kind == "task" else "entity_note_recorded")
            assert act.context["user"] == "johan"
            trail = person.get(reverse("governance:evidence_list")).text
            assert f"On the **{kind}**" in trail


def test_lists_link_to_notes_and_count_them(person, things):
    for kind, listed in (
        ("blocker", "governance:blocker_list"),
        ("violation", "governance:violation_list"),
        ("validation", "governance:quality_validations"),
    ):
        address = reverse("notes", args=[kind, things[kind][0]])
        assert f'href="{address}">Notes<' in person.get(reverse(listed)).text
        person.post(f"{address}write/", {"text": "Seen."})
        assert f'href="{address}">Notes (1)<' in person.get(reverse(listed)).text


def test_a_withdrawn_note_stays_with_the_reason(person, things):
    for kind, model in (("wave", EntityNote), ("task", TaskNote)):
        key, page, _ = things[kind]
        person.post(reverse("note_write", args=[kind, key]), {"text": "It is cold."})
        note = model.objects.get(text="It is cold.")
        address = reverse("note_withdraw", args=[kind, note.pk])
        assert person.post(address, {}).status_code == 422
        assert person.post(address, {"reason": "It is warm."}).status_code == 302
        shown = person.get(page).text
        assert "It is cold." in shown
        assert "It is warm." in shown
        assert person.post(address, {"reason": "Again."}).status_code == 409
        assert Evidence.objects.filter(action__endswith="note_withdrawn").count()
    assert "note_withdrawn" in Evidence.objects.latest("sequence").action


@pytest.mark.parametrize("kind", ["wave", "task"])
def test_no_writer_edits_a_note_or_withdraws_it_without_a_reason(task, kind, admin_user):
    if kind == "task":
        note = TaskNoteFactory(task=task)
    else:
        note = write_entity_note(
            find_subject(kind, str(task.wave_id)).fields, text="It stays.", by=admin_user
        )
    rows = type(note).objects.filter(pk=note.pk)
    for change in (
        {"text": "Other."},
        {"written_by": "bob"},
        {"withdrawn_at": "2026-01-01T00:00Z"},
        {"withdrawn_at": "2026-01-01T00:00Z", "withdrawn_by": "bob", "withdrawn_because": " "},
        {"withdrawn_because": "It holds."},
    ):
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            rows.update(**change)
        assert error.value.__cause__.diag.constraint_name == "governance_notes_stay"
    withdraw_note(note, reason="It is over.", by=admin_user)
    with pytest.raises(Refused):
        withdraw_note(note, reason="Once more.", by=admin_user)


def test_a_page_shows_the_newest_and_folds_the_rest(person, task, django_assert_max_num_queries):
    fields = find_subject("wave", str(task.wave_id)).fields
    for number in range(LISTED + 2):
        write_entity_note(fields, text=f"Note {number}.", by=None)
    shown = person.get(task.wave.get_absolute_url()).text
    newest, _, folded = shown.partition(f"{LISTED - UNFOLDED} older notes")
    assert newest.count('class="note said"') == UNFOLDED
    assert folded.count('class="note said"') == LISTED - UNFOLDED
    assert "All notes" in shown
    everything = person.get(reverse("notes", args=["wave", task.wave_id])).text
    assert everything.count('class="note said"') == LISTED + 2


def test_a_thing_has_so_many_notes_and_no_more(task, monkeypatch):
    fields = find_subject("wave", str(task.wave_id)).fields
    EntityNote.objects.bulk_create(
        EntityNote(**fields, text="One more.", written_by="johan") for _ in range(MOST_ENTITY_NOTES)
    )
    with pytest.raises(Refused) as refused:
        write_entity_note(fields, text="Too many.", by=None)
    assert refused.value.rule == "governance_bounded_notes"


def test_who_reads_sees_notes_and_no_forms(client, things):
    key, page, _ = things["wave"]
    write_entity_note(find_subject("wave", str(key)).fields, text="Read it.", by=None)
    client.force_login(UserFactory(roles=["viewer"]))
    shown = client.get(page).text
    assert "Read it." in shown
    assert "Write a note" not in shown
    assert "Withdraw" not in shown
    assert (
        client.post(reverse("note_write", args=["wave", key]), {"text": "No."}).status_code == 403
    )


@pytest.mark.parametrize(
    ("kind", "key"),
    [("wave", "no-uuid"), ("nothing", "x"), ("builder", "no-one"), ("decision", "x")],
)
def test_what_there_is_not_has_no_notes(person, kind, key):
    assert person.get(reverse("notes", args=[kind, key])).status_code == 404
