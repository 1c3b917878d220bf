"""A correction saves what was changed, says who and why, and takes no for an answer."""

import uuid

import pytest

from builders.models import Builder
from governance.models import (
    Blocker,
    Evidence,
    GovernanceViolation,
)
from governance.quality import was_edited
from programs.models import Program, Task, Wave
from tests.admin.conftest import errors, posted, shows
from tests.factories import (
    ArchitectureValidationFactory,
    BlockerFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

ALL = [
    ProgramFactory,
    WaveFactory,
    TaskFactory,
    BuilderFactory,
    BlockerFactory,
    GovernanceViolationFactory,
    ArchitectureValidationFactory,
    QAExecutionFactory,
]


def trail():
    return Evidence.objects.order_by("sequence")


@pytest.mark.parametrize("factory", ALL)
def test_a_form_saved_untouched_changes_nothing(office, factory):
    row = factory()
    before = type(row).objects.filter(pk=row.pk).values().get()
    evidence = trail().count()
    assert office.change(row).status_code == 302
    assert type(row).objects.filter(pk=row.pk).values().get() == before
    assert trail().count() == evidence


def test_only_what_was_changed_is_written(office):
    task = TaskFactory(acceptance_criteria="- one\n- two\n")
    # Meanwhile, after the form was read: work goes on.
    page = office.url(task, "change", task.pk)
    form = posted(office.client.get(page))
    Task.objects.filter(pk=task.pk).update(architecture_reference="moved.md")
    evidence = trail().last().sequence
    form["architecture_reference"] = "architecture/escalation.md"  # as it was read
    assert office.client.post(page, form | {"name": "Renamed", "reason": "a typo"}).status_code
    row = trail().get(sequence__gt=evidence)
    assert set(row.context["changes"]) <= {"name", "architecture_reference"}
    task.refresh_from_db()
    assert (task.name, task.acceptance_criteria) == ("Renamed", "- one\n- two\n")


@pytest.mark.parametrize(
    ("factory", "values"),
    [
        (ProgramFactory, {"description": "Another one."}),
        (WaveFactory, {"name": "Another one"}),
        (TaskFactory, {"qa_suite_location": "tests/other/"}),
        (BuilderFactory, {"backend_type": "hosted"}),
        (BlockerFactory, {"description": "Another reason."}),
        (GovernanceViolationFactory, {"description": "Another reason."}),
        (ArchitectureValidationFactory, {"architecture_reference": "other.md"}),
        (QAExecutionFactory, {"qa_suite_location": "tests/other/"}),
    ],
)
def test_a_correction_names_the_admin_and_the_reason(office, factory, values):
    row = factory()
    before = trail().last().sequence
    assert office.change(row, **values, reason="The record was wrong.").status_code == 302
    evidence = trail().get(sequence__gt=before)
    assert evidence.actor == "foreman"
    assert evidence.context["user"] == "carol"
    assert evidence.context["reason"] == "The record was wrong."
    assert set(evidence.context["changes"]) == set(values)


@pytest.mark.parametrize(
    ("factory", "values"),
    [
        (ProgramFactory, {"state": "blocked"}),
        (WaveFactory, {"state": "blocked"}),
        (TaskFactory, {"state": "blocked"}),
        (TaskFactory, {"progress_percentage": "40"}),
        (TaskFactory, {"assigned_builder": "qa-builder"}),
        (BuilderFactory, {"state": "failed"}),
        (ProgramFactory, {"name": "Another"}),
        (WaveFactory, {"name": "Another"}),
        (WaveFactory, {"sequence_number": "77"}),
        (TaskFactory, {"name": "Another"}),
        (TaskFactory, {"acceptance_criteria": "- it glows"}),
        (TaskFactory, {"qa_suite_location": "tests/other/"}),
        (TaskFactory, {"architecture_reference": "other.md"}),
    ],
)
def test_a_governed_column_asks_for_a_reason(office, factory, values):
    row = factory()
    before = trail().last().sequence
    assert errors(office.change(row, **values)) == ["Enter a reason: this is a correction."]
    assert not trail().filter(sequence__gt=before)

    assert office.change(row, **values, reason="It stopped in the night.").status_code == 302
    evidence = trail().get(sequence__gt=before)
    assert evidence.context["reason"] == "It stopped in the night."
    for field, value in values.items():
        assert str(evidence.context["changes"][field][1]) == value


def test_what_is_added_leaves_a_trace(office):
    office.add(Program, name="Maturion", description="The programme.", objectives="One\nTwo")
    program = Program.objects.get(name="Maturion")
    office.add(Wave, program=str(program.pk), name="Wave 0", sequence_number="1")
    wave = program.waves.get()
    office.add(Task, wave=str(wave.pk), name="The first")
    task = wave.tasks.get()
    assert program.objectives == ["One", "Two"]
    for row in (program, wave, task):
        assert trail().of(row).get(action="created").context["user"] == "carol"


def test_waves_are_edited_inside_their_program(office):
    program = ProgramFactory()
    wave = WaveFactory(program=program, sequence_number=1)
    response = office.change(
        program,
        **{
            "waves-TOTAL_FORMS": "2",
            "waves-0-name": "Renamed",
            "waves-1-program": str(program.pk),
            "waves-1-sequence_number": "2",
            "waves-1-name": "Second",
        },
        reason="Plainer.",
    )
    assert response.status_code == 302
    assert list(program.waves.values_list("name", "state")) == [
        ("Renamed", "in-progress"),
        ("Second", "planned"),
    ]
    assert trail().of(wave).last().context["user"] == "carol"


def test_tasks_are_added_inside_their_wave(office):
    wave = WaveFactory()
    TaskFactory(wave=wave)
    response = office.change(
        wave,
        **{"tasks-TOTAL_FORMS": "2", "tasks-1-wave": str(wave.pk), "tasks-1-name": "Second"},
    )
    assert response.status_code == 302
    assert wave.tasks.get(name="Second").state == "planned"


def test_a_program_and_its_first_waves_are_added_together(office):
    response = office.add(
        Program,
        name="Maturion",
        description="The programme.",
        **{"waves-TOTAL_FORMS": "1", "waves-0-name": "Wave 0", "waves-0-sequence_number": "0"},
    )
    assert response.status_code == 302
    assert Program.objects.get(name="Maturion").waves.get().name == "Wave 0"


def test_objectives_are_lines(office):
    program = ProgramFactory(objectives=["Old", {"goal": 7}, "two\nlines"])
    page = office.open(program)
    assert shows(page, 'Old\njson: {"goal": 7}\njson: "two\\nlines"')
    lines = 'New\r\n\r\njson: {"goal": 7}\r\njson: "two\\nlines"\r\n 2026 '
    assert office.change(program, objectives=lines, reason="Better words.").status_code == 302
    program.refresh_from_db()
    assert program.objectives == ["New", {"goal": 7}, "two\nlines", "2026"]


@pytest.mark.parametrize("line", ["json: {", 'json: "\\u0000"', "json: NaN", "N\0UL"])
def test_an_objective_that_cannot_be_kept_is_an_error_of_the_form(office, line):
    program = ProgramFactory()
    assert errors(office.change(program, objectives=line))


def test_dependencies_are_chosen_among_the_waves_of_the_program(office):
    program = ProgramFactory()
    first, second, third = WaveFactory.create_batch(3, program=program)
    stranger = WaveFactory()
    form = office.open(third).context["adminform"].form
    assert list(form.fields["dependencies"].queryset) == [first, second]

    both, why = [str(first.pk), str(second.pk)], "They come first."
    assert office.change(third, dependencies=both, reason=why).status_code == 302
    third.refresh_from_db()
    assert third.dependency_ids == [first.pk, second.pk]
    assert errors(office.change(third, dependencies=[str(stranger.pk)], reason=why))
    assert office.change(third, dependencies=[], reason=why).status_code == 302
    third.refresh_from_db()
    assert third.dependencies == []


def test_a_circle_of_dependencies_comes_back_with_what_the_database_says(office):
    program = ProgramFactory()
    first = WaveFactory(program=program, name="One")
    second = WaveFactory(program=program, dependencies=[str(first.pk)])
    before = trail().last().sequence
    page = office.change(
        first, dependencies=[str(second.pk)], name="Renamed", reason="A better name."
    )
    assert errors(page) == [
        'The dependencies of wave "Renamed" form a cycle. (rule: programs_waves_dependencies)'
    ]
    assert page.context["adminform"].form["name"].value() == "Renamed"
    assert not list(page.context["messages"])
    first.refresh_from_db()
    assert (first.name, first.dependencies) == ("One", [])
    assert not trail().filter(sequence__gt=before)


def test_a_wave_that_others_wait_for_does_not_leave_its_program(office):
    first = WaveFactory()
    WaveFactory(program=first.program, dependencies=[str(first.pk)])
    page = office.change(first, program=str(ProgramFactory().pk), reason="It belongs there.")
    assert "(rule: programs_waves_dependencies)" in errors(page)[0]


def test_one_sequence_number_is_one_wave(office):
    wave = WaveFactory(sequence_number=1)
    page = office.add(Wave, program=str(wave.program_id), name="Again", sequence_number="1")
    assert errors(page) == ["The program has a wave with this sequence number."]


def test_one_sequence_number_is_one_wave_inside_a_program_too(office):
    first = WaveFactory(sequence_number=1)
    WaveFactory(program=first.program, sequence_number=2)
    page = office.change(first.program, **{"waves-1-sequence_number": "1"}, reason="Earlier.")
    assert errors(page)
    assert not Wave.objects.filter(sequence_number=1).exclude(pk=first.pk)


def test_one_name_is_one_program(office):
    ProgramFactory(name="Maturion")
    page = office.add(Program, name="Maturion", description="Again.")
    assert errors(page) == ["A program of this name exists."]


def blocker(**entity):
    return {"classification": "protected_path", "description": "It is in the way."} | {
        name: str(row.pk) for name, row in entity.items()
    }


def test_a_blocker_is_raised_on_a_chosen_entity(office):
    task = TaskFactory()
    for name, row in {"program": task.wave.program, "wave": task.wave, "task": task}.items():
        assert office.add(Blocker, **blocker(**{name: row})).status_code == 302
        raised = Blocker.objects.of(row).get()
        assert trail().of(row).last().context["user"] == "carol"
        assert shows(office.open(raised), str(row))


def test_a_blocker_is_on_one_thing(office):
    task = TaskFactory()
    expected = ["Choose one program, wave or task."]
    assert errors(office.add(Blocker, **blocker())) == expected
    assert errors(office.add(Blocker, **blocker(task=task, wave=task.wave))) == expected


def test_a_blocker_is_on_something_that_exists(office):
    page = office.add(Blocker, **blocker(task=Task(pk=uuid.uuid4())))
    assert "Select a valid choice" in errors(page)[0]
    assert not Blocker.objects.exists()


def test_the_same_blocker_is_open_once(office):
    task = TaskFactory()
    BlockerFactory(entity=task, classification="protected_path")
    page = office.add(Blocker, **blocker(task=task))
    assert errors(page) == [
        "This is already open as a blocker. (rule: blockers_one_open_per_entity_and_classification)"
    ]


def test_the_status_of_a_run_follows_what_is_corrected(office):
    run = QAExecutionFactory()
    assert office.change(run, against='["It broke."]', reason="So it was.").status_code == 302
    run.refresh_from_db()
    assert (run.qa_status, run.against) == ("PARTIAL", ["It broke."])
    assert was_edited(run)


def test_a_suite_that_no_index_takes_is_refused_at_its_field(office):
    said = errors(office.change(QAExecutionFactory(), qa_suite_location="路" * 700))
    assert said == ["This must have at most 2,000 bytes in UTF-8, and has 2,100."]


def test_a_violation_is_recorded(office):
    task = TaskFactory()
    page = office.add(
        GovernanceViolation,
        task=str(task.pk),
        builder="qa-builder",
        violation_type="test debt",
        description="Two tests were parked.",
    )
    assert page.status_code == 302
    assert task.violations.get().detected_at


@pytest.mark.parametrize(
    "provenance", ["[]", "{", '{"model": "\\u0000"}', '{"m": "\\ud800"}', '{"m": NaN}', "1" * 5000]
)
def test_a_provenance_that_cannot_be_kept_is_an_error_of_the_form(office, provenance):
    assert errors(office.change(BuilderFactory(), provenance=provenance))


def test_a_provenance_is_an_object(office):
    builder = BuilderFactory()
    assert office.change(builder, provenance='{"model": "a-model"}').status_code == 302
    assert Builder.objects.get(pk=builder.pk).provenance == {"model": "a-model"}
    assert office.change(builder, provenance="").status_code == 302
    assert Builder.objects.get(pk=builder.pk).provenance == {}


def test_two_builders_never_hold_one_task(office):
    task = TaskFactory()
    BuilderFactory(builder_id="qa-builder", current_task=task)
    page = office.change(BuilderFactory(), current_task=str(task.pk), reason="Both.")
    assert errors(page) == ["Another builder holds this task."]


def test_text_that_is_cleared_is_absent(office):
    task = TaskFactory(evidence_location="evidence/")
    assert office.change(task, evidence_location="", reason="It is gone.").status_code == 302
    task.refresh_from_db()
    assert task.evidence_location is None


def test_the_criteria_of_work_under_way_ask_a_reason_at_its_field(office):
    task = TaskFactory(state="in-progress", name="Wire")
    assert "acceptance criteria" in office.open(task).context["adminform"].form["reason"].help_text
    page = office.change(task, acceptance_criteria="- it glows")
    assert [*page.context["adminform"].form.errors] == ["reason"]
    assert shows(page, "Enter a reason: this is a correction.")
    answer = office.change(task, acceptance_criteria="- it glows", reason="The lamp was dark.")
    assert answer.status_code == 302
    evidence = trail().last()
    assert (evidence.action, evidence.context["reason"]) == ("edited", "The lamp was dark.")
    assert "override" not in evidence.context


def test_a_silence_threshold_has_the_bound_that_the_page_has(office):
    builder = BuilderFactory()
    (error,) = errors(office.change(builder, silence_threshold_seconds="119"))
    assert error.startswith("Enter at least 120 seconds")
    assert office.change(builder, silence_threshold_seconds="120").status_code == 302
    builder.refresh_from_db()
    assert builder.silence_threshold_seconds == 120
