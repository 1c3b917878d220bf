"""Evidence as sentences: whatever the triggers write, people can read."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.utils.timezone import now

from builders.actions import assign_task, release_task
from foreman_office.dashboard.evidence.folding import HEADS
from foreman_office.dashboard.evidence.sentences import describe
from governance.actions import (
    claim_completion,
    raise_blocker,
    resolve_blocker,
    resolve_violation,
)
from governance.entities import find_names
from governance.models import Evidence
from programs.actions import allow_pull, edit
from programs.models import Program, Task
from tests.factories import (
    ArchitectureValidationFactory,
    BuilderFactory,
    GovernanceViolationFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


def sentences(entity):
    return [
        " ".join(filter(None, [told.what, str(told.object or ""), told.detail]))
        for told in describe(Evidence.objects.of(entity).order_by("sequence"))
    ]


def test_a_task_tells_its_life():
    task = TaskFactory()
    Task.objects.filter(pk=task.pk).update(state="blocked")
    Task.objects.filter(pk=task.pk).update(progress_percentage=40)
    Task.objects.filter(pk=task.pk).update(name="Another name")
    assert sentences(task) == [
        "Task created",
        "Planned → Blocked",
        "Progress set by hand",
        "Edited: name",
    ]


def test_a_task_tells_which_wave_it_was_moved_to():
    task = TaskFactory()
    edit(task, wave=WaveFactory(program=task.wave.program, name="Roof"), by=None)
    edit(task, wave=WaveFactory(program=task.wave.program, name="Cellar"), name="Pump", by=None)
    assert sentences(task)[1:] == [
        "Moved to wave Roof",
        "Moved to wave Cellar Also edited: name.",
    ]


def test_a_due_date_is_told_as_a_day_and_what_a_file_changes_at_once_together():
    task, program = TaskFactory(), ProgramFactory()
    edit(task, due_on=date(2026, 12, 24), by=None)
    edit(task, due_on=date(2026, 12, 31), by=None)
    edit(task, due_on=None, by=None)
    edit(task, due_on=date(2026, 12, 24), name="Pump", by=None)
    assert sentences(task)[1:] == [
        "Due date: 2026-12-24",
        "Due date: 2026-12-31 It was 2026-12-24.",
        "Due date taken away It was 2026-12-31.",
        "Edited: name, due date",
    ]
    allow_pull(program, reason="They are many.", by=None)
    Program.objects.filter(pk=program.pk).update(allows_pull=False, name="Shop")
    assert sentences(program)[1:] == [
        "Builders may pull tasks They are many.",
        "Edited: name, allows pull",
    ]


def test_a_builder_tells_what_it_took_up_and_put_down():
    task, builder = TaskFactory(name="Masonry"), BuilderFactory()
    assign_task(task, builder, by=None, override="To see it told.")
    release_task(task, by=None)
    assert sentences(builder)[-2:] == ["Assigned Masonry", "Unassigned from Masonry"]


def test_judgement_is_told_on_its_task():
    task = TaskFactory()
    raised = raise_blocker(
        task, classification="architecture_qa_mismatch", description="Nine or eleven?", by=None
    )
    resolve_blocker(raised, resolution_action="Eleven.", by=None)
    violation = GovernanceViolationFactory(task=task, violation_type="test debt", description="53")
    resolve_violation(violation, resolution="Repaired.", by=None)
    QAExecutionFactory(task=task, passing_tests=9, failing_tests=6)
    ArchitectureValidationFactory(task=task)
    assert sentences(task)[1:] == [
        "Blocker: architecture and QA disagree Nine or eleven?",
        "Planned → Blocked",
        "Blocker resolved: architecture and QA disagree Eleven.",
        "Blocked → Planned",
        "Violation: test debt 53",
        "Blocker: constitutional violation test debt: 53",
        "Planned → Blocked",
        "Violation resolved: test debt Repaired.",
        "Blocker resolved: constitutional violation Repaired.",
        "Blocked → Planned",
        "QA run partial, 9 of 15 pass",
        "Architecture ready, 100 %",
    ]


def test_what_was_deleted_keeps_its_name():
    task = TaskFactory(name="Masonry")
    Task.objects.filter(pk=task.pk).delete()
    last = describe(Evidence.objects.of(task).order_by("sequence"))[-1]
    assert (last.what, last.entity, last.entity_name) == ("Task deleted", None, "Masonry")


def test_an_imported_record_speaks_the_words_of_its_source():
    task = TaskFactory()
    row = Evidence(
        entity_type="task",
        entity_id=task.pk,
        action="plan-generated",
        actor="foreman",
        context={"summary": "14 tasks"},
        timestamp=now(),
    )
    told = describe([row])[0]
    assert (told.what, told.detail, told.entity) == ("Plan generated", "14 tasks", task)


ODD = [
    {},
    {"changes": 1, "snapshot": 5, "from": [1], "to": {"a": 1}, "user": [1], "watcher": 5},
    {"changes": {"state": 3}},
    {"changes": {"current_task_id": ["x", 5], "wave_id": [1, "x"], "state": [1, {}]}},
    {"snapshot": {"execution_id": "x", "classification": "q", "qa_status": [], "note": 1}},
    {"from": "here", "to": "there", "override": []},
]


ACTIONS = [
    *HEADS,
    *["state_changed", "edited", "created", "deleted", "plan_note_recorded", "token_issued"],
    *["token_revoked", "ci_token_issued", "pause_started", "qa_run_tests_edited"],
    *[
        "question_asked",
        "question_answered",
        "question_withdrawn",
        "link_recorded",
        "note_recorded",
    ],
]


@pytest.mark.parametrize("number", range(len(ODD)))
def test_evidence_that_a_file_told_in_any_shape_can_be_read(number, task, person, open_trail):
    context = ODD[number]
    for action in ACTIONS:
        Evidence.objects.create(
            entity_type="task", entity_id=task.pk, action=action, actor="x", context=context
        )
    rows = list(Evidence.objects.of(task).filter(witnessed=False))
    assert len(rows) == len(ACTIONS)
    assert {bool(told.what) for told in describe(rows)} == {True}

    pages = [f"/tasks/{task.pk}/", f"/evidence/?of=task:{task.pk}", "/evidence/?export=csv"]
    # Each action has its own page with one of the contexts; the list shows it with each of them.
    some = rows[number :: len(ODD)]
    for page in [*pages, *(f"/evidence/{row.sequence}/" for row in some)]:
        response = person.get(page)
        assert response.status_code == 200, page
        if response.streaming:
            assert b"state_changed" in b"".join(response.streaming_content)


def test_a_claim_that_another_writer_recorded_can_be_read(task, sql):
    sql(
        "INSERT INTO completion_claims (task_id, builder_id, accepted, conditions)"
        " VALUES (%s, 'qa-builder', false, '[5]')",
        task.pk,
    )
    assert sentences(task)[-1] == "Claim recorded"


def test_names_are_looked_up_once_for_all(django_assert_max_num_queries):
    tasks = TaskFactory.create_batch(5)
    assign_task(tasks[0], BuilderFactory(), by=None, override="To see it told.")
    rows = list(Evidence.objects.order_by("-sequence")[:30])
    with django_assert_max_num_queries(2):
        describe(rows)


def test_a_claim_says_whether_it_was_believed_and_if_not_why():
    task = TaskFactory(state="in-progress", assigned_builder="ui-builder", evidence_location="e/")
    builder = BuilderFactory(current_task=task)
    claim_completion(task, by=builder)
    last = describe(Evidence.objects.of(task).order_by("sequence"))[-1]
    assert last.what == "Claim of completion refused"
    assert "tests/escalation/ has not been run." in last.detail

    QAExecutionFactory(
        task=task, passing_tests=0, failing_tests=15, executed_at=now() - timedelta(days=1)
    )
    QAExecutionFactory(task=task, passing_tests=15, failing_tests=0)
    claim_completion(task, by=builder)
    said = sentences(task)
    assert "Claim of completion accepted" in said
    assert said.index("In progress → Completed") > 0


def test_whatever_is_asked_of_a_name_beyond_it_is_read_then(task, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = find_names([("task", task.pk), ("wave", task.wave_id), ("program", uuid4())])
        assert found == {("task", task.pk): task, ("wave", task.wave_id): task.wave}
        named = found["task", task.pk]
        assert (str(named), str(named.wave.program)) == (task.name, task.wave.program.name)
    with django_assert_num_queries(1):
        assert named.acceptance_criteria == task.acceptance_criteria
