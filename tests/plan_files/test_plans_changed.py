"""A plan file that is imported again, as it was or changed."""

import re

import pytest

from builders.actions import assign_task
from builders.models import Builder
from foreman_office import plan_files
from governance.actions import raise_blocker
from governance.models import Blocker, Evidence, QAExecution
from programs.models import Program, Task, Wave
from tests.factories import HeartbeatFactory, UserFactory
from tests.plan_files.plans import GOOD, exported, id_of, imported, load, load_sample, read

pytestmark = pytest.mark.django_db


def test_importing_twice_changes_nothing_and_says_so(sample):
    before = Evidence.objects.count()
    text = imported(plan_files.SAMPLE)
    assert Evidence.objects.count() == before
    assert text.splitlines() == [
        "Nothing to change: the office has 1 program, 18 waves, 195 tasks, 5 builders,"
        " 48 validations, 44 QA runs, 13 violations, 3 heartbeats, 17 blockers, 111 evidence."
    ]


def test_a_changed_file_changes_what_differs_and_says_what():
    load(GOOD)
    text = (
        GOOD.replace("state: completed", "state: failed")
        .replace("passing: 3\n        failing: 1", "passing: 2\n        failing: 2")
        .replace("name: Wire the lamp", "name: Wire the lamp\n      note: Twice.")
        .replace("backend_type: hosted", "backend_type: burst")
        .replace(
            "- key: second",
            "- key: third\n    name: A third\n    sequence_number: 3\n  - key: second",
        )
    )
    tail = Evidence.objects.latest("sequence").sequence
    found = load(text, history="The file is the record.")
    assert list(found.lines()) == [
        '+ wave third "A third"',
        "~ task wire: state completed -> failed",
        "~ builder ui-builder: backend_type hosted -> burst",
        "~ qa_run run-1: passing 3 -> 2, failing 1 -> 2",
        "~ task wire: note null -> Twice.",
    ]
    assert Task.objects.get().state == "failed"
    assert Builder.objects.get(pk="ui-builder").backend_type == "burst"
    left = Evidence.objects.filter(sequence__gt=tail).order_by("sequence")
    assert [(line.entity_type, line.action) for line in left] == [
        ("wave", "created"),
        ("task", "state_changed"),
        ("builder", "edited"),
        ("task", "qa_run_edited"),
        ("wave", "imported"),
        ("task", "imported"),
    ]
    assert all("import" in line.context for line in left)
    assert not load(text)


def test_words_that_return_after_others_are_remembered_as_the_newest():
    for word in ["one", "two", "one"]:
        noted = GOOD.replace("name: Lamps", f"name: Lamps\n  note: {word}")
        load(noted)
    assert not load(noted)
    notes = Evidence.objects.filter(action="imported", context__record__kind="program")
    assert list(notes.order_by("sequence").values_list("context__note", flat=True)) == [
        "one",
        "two",
        "one",
    ]


def test_what_the_file_no_longer_has_is_kept():
    load(GOOD)
    without = re.sub(r"      qa_runs:\n.*?(?=      validations:)", "", GOOD, flags=re.S)
    without = without.replace("    dependencies: [first]\n", "")
    found = load(without)
    assert list(found.lines()) == ["= 1 QA run of the office not in the file, kept"]
    assert Wave.objects.get(sequence_number=2).dependencies == [str(id_of("wave", "first"))]
    assert QAExecution.objects.count() == 1


def test_waves_may_change_places():
    load(GOOD)
    swapped = GOOD.replace("sequence_number: 1", "sequence_number: x")
    swapped = swapped.replace("sequence_number: 2", "sequence_number: 1").replace(": x", ": 2")
    load(swapped)
    waves = Wave.objects.order_by("sequence_number")
    assert [wave.name for wave in waves] == ["The second wave", "The first wave"]
    assert not load(swapped)


def test_a_wave_put_in_between_shifts_the_others():
    load(GOOD)
    shifted = GOOD.replace("sequence_number: 2", "sequence_number: 3").replace(
        "  - key: second", "  - key: new\n    name: New\n    sequence_number: 2\n  - key: second"
    )
    load(shifted)
    names = Wave.objects.order_by("sequence_number").values_list("name", flat=True)
    assert list(names) == ["The first wave", "New", "The second wave"]


def test_a_task_may_move_to_a_new_wave_and_both_know_their_progress():
    load(GOOD)
    moved = GOOD.replace(
        "    tasks:", "  - key: new\n    name: New\n    sequence_number: 9\n    tasks:"
    )
    load(moved)
    assert Task.objects.get().wave.name == "New"
    progress = Wave.objects.order_by("sequence_number").values_list(
        "progress_percentage", flat=True
    )
    assert list(progress) == [0, 0, 100]
    assert not load(moved)


def test_evidence_is_not_rewritten_by_a_changed_file():
    load(GOOD)
    found = load(GOOD.replace("action: looked-at", "action: looked-away"))
    assert list(found.lines()) == ["= evidence looked stays as it was recorded"]
    assert not found
    assert Evidence.objects.filter(action="looked-at").count() == 1


def test_a_program_that_was_deleted_comes_back_and_the_trail_tells_all_of_it():
    lamp = GOOD.replace("      qa_runs:", "      x:")
    lamp = re.sub(r"      (x|validations):\n(        .*\n|      -.*\n)*", "", lamp)
    load(lamp)
    Program.objects.get().delete()
    load(lamp)
    assert Task.objects.count() == 1
    created = Evidence.objects.filter(
        entity_id=id_of("task", "wire"), action__in=["created", "deleted"]
    )
    assert [line.action for line in created.order_by("sequence")] == [
        "created",
        "deleted",
        "created",
    ]


def test_two_programs_may_use_the_same_keys():
    load(GOOD)
    load(GOOD.replace("key: lamps", "key: lanterns").replace("name: Lamps", "name: Lanterns"))
    assert Task.objects.count() == 2
    assert not load(GOOD)


def test_a_person_who_imports_stands_in_the_evidence():
    with read(GOOD) as plan:
        plan_files.apply(plan, by=UserFactory(username="johan"))
    marked = Evidence.objects.filter(context__has_key="import")
    assert set(marked.values_list("context__user", flat=True)) == {"johan"}


@pytest.mark.slow
def test_what_the_office_measured_stays_when_a_file_without_it_comes_again():
    program = load_sample()
    task = Task.objects.filter(state="planned", assigned_builder="ui-builder").first()
    builder = Builder.objects.get(pk="ui-builder")
    assign_task(task, builder, by=None, override="The sample's builders began without a red run.")
    beat = HeartbeatFactory(builder=builder, task=task, progress_percentage=30)
    blocker = Blocker.objects.open().filter(entity_type="task").first()
    entity = Task.objects.get(pk=blocker.entity_id)
    raise_blocker(entity, classification=blocker.classification, description="Again.", by=None)
    assert "occurrences: 2" in exported(program)
    assert "worked_at: " in exported(program)
    load_sample()
    task.refresh_from_db()
    blocker.refresh_from_db()
    assert (task.state, task.worked_at) == ("assigned", beat.timestamp)
    assert (blocker.description != "Again.", blocker.occurrences) == (True, 2)


def test_a_file_that_plans_a_task_anew_takes_it_out_of_its_builders_hands():
    load_sample()
    task = Task.objects.filter(state="planned", assigned_builder="ui-builder").first()
    builder = Builder.objects.get(pk="ui-builder")
    assign_task(task, builder, by=None, override="The sample's builders began without a red run.")
    builder.refresh_from_db()
    assert builder.current_task_id == task.pk
    load_sample(history="Planned anew.")
    task.refresh_from_db()
    builder.refresh_from_db()
    assert (task.state, builder.current_task_id, builder.state) == ("planned", None, "idle")
