"""Plan files into the office: the sample, once more, a changed file, a dry run, the commands."""

import re
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from builders.models import Builder, Heartbeat
from governance import plans
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from governance.plans import spool
from programs.models import Program, Task, Wave
from tests.factories import ProgramFactory, TaskFactory, UserFactory, WaveFactory
from tests.governance.test_plans_refused import GOOD

pytestmark = pytest.mark.django_db


def read(text, name="plan.yaml"):
    return plans.read(BytesIO(text.encode()), name)


def load(text, **options):
    return plans.apply(read(text), by=None, **options)


def exported(program):
    with plans.export(program) as file:
        return file.read().decode()


def imported(*args, **options):
    out = StringIO()
    call_command("import_plan", *args, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def sample(db):
    with plans.SAMPLE.open("rb") as stream:
        plan = plans.read(stream, "sample.yaml")
    plans.apply(plan, by=None)
    return Program.objects.get()


def by(rows, field):
    return {
        value: rows.filter(**{field: value}).count() for value in rows.values_list(field, flat=True)
    }


def id_of(kind, key, program="lamps"):
    return plans.record_id(plans.program_id(program), kind, key)


# The sample


def test_the_sample_loads_completely(sample):
    assert Wave.objects.count() == 18
    assert by(Task.objects.all(), "state") == {
        "planned": 139,
        "completed": 50,
        "failed": 3,
        "assigned": 1,
        "in-progress": 1,
        "blocked": 1,
    }
    assert ArchitectureValidation.objects.count() == 48
    checklists = ArchitectureValidation.objects.values_list("validation_results", flat=True)
    assert sum(len(section) for checks in checklists for section in checks.values()) == 615
    assert sum(not checks for checks in checklists) == 11
    assert by(QAExecution.objects.all(), "qa_status") == {"GREEN": 23, "PARTIAL": 17, "RED": 4}
    assert GovernanceViolation.objects.count() == 13
    assert Blocker.objects.count() == 17
    assert Blocker.objects.open().count() == 3
    assert Heartbeat.objects.count() == 3
    assert Evidence.objects.filter(context__has_key="key").count() == 111


def test_the_sample_is_told_as_history_and_its_import_as_none(sample):
    history = Evidence.objects.within(sample).as_it_happened()
    assert history.count() == 111
    first, last = history.order_by("timestamp").values_list("timestamp", flat=True)[::110]
    assert (first.date().isoformat(), last.date().isoformat()) == ("2025-12-04", "2026-01-08")
    nameless = history.filter(context__actor_recorded=False)
    assert nameless.count() == 7
    assert {line.actor for line in nameless} == {"foreman"}


def test_an_import_is_witnessed_by_the_triggers_and_marked(sample):
    marked = Evidence.objects.filter(context__import__program="program-maturion-wave-1")
    assert set(marked.values_list("context__import__file", flat=True)) == {"sample.yaml"}
    witnessed = marked.filter(witnessed=True)
    assert witnessed.filter(entity_type="task", action="created").count() == 195
    assert witnessed.filter(action="qa_run_recorded").count() == 44
    assert not marked.filter(witnessed=False).exclude(action="imported").exists()


def test_each_record_keeps_its_remarks_as_evidence(sample):
    told = Evidence.objects.filter(action="imported")
    assert told.count() == 1 + 18 + 195 + 48 + 44 + 13 + 17 + 3 + 5
    run = told.get(context__record__key="qa-w0-gov-03").context
    assert run["note"] == "After the failing tests were moved to an excluded folder."
    assert run["time_basis"] == "commit"
    assert run["recorded"] == {"skipped": None}
    wave = told.get(context__record__key="build-wave-0").context
    assert wave["description"].startswith("Dry run of the planning scripts")


def test_what_was_recorded_as_ready_below_a_full_pass_is_not_ready_and_kept_as_its_word(sample):
    ready = Evidence.objects.filter(context__recorded__build_readiness="READY")
    ids = ready.values_list("context__record__id", flat=True)
    stored = ArchitectureValidation.objects.filter(pk__in=list(ids))
    assert stored.count() == 16
    assert not stored.exclude(build_readiness="NOT_READY", pass_rate__lt=100).exists()


def test_progress_follows_the_tasks_and_costs_no_correction(sample):
    wave = Wave.objects.get(name__startswith="Build Wave 1.2")
    assert wave.progress_percentage == 20
    assert sample.progress_percentage == 68
    assert not Evidence.objects.filter(entity_type="wave", action__in=["edited", "state_changed"])
    assert sample.updated_at == sample.created_at


def test_history_does_not_move_a_builder(sample):
    assert by(Builder.objects.all(), "state") == {"idle": 5}
    assert not Builder.objects.filter(last_heartbeat__lt=now() - timedelta(days=1)).exists()
    assert by(Builder.objects.all(), "backend_type") == {"local": 5}
    assert Builder.objects.get(pk="ui-builder").provenance["model"] == "gpt-4-1"


def test_a_beat_that_tells_only_the_task_is_idle_in_its_own_words(sample):
    beats = Heartbeat.objects.order_by("timestamp")
    assert [beat.status for beat in beats] == ["idle", "idle", "idle"]
    assert [beat.message for beat in beats] == ["ASSIGNED", "ASSIGNED", "COMPLETED (SIMULATED)"]


def test_a_bare_date_is_its_midnight_and_remembered_as_a_date(sample):
    told = Evidence.objects.get(context__recorded__has_key="detected_at").context
    blocker = Blocker.objects.get(pk=told["record"]["id"])
    assert blocker.detected_at.time() == datetime.min.time()
    assert told["recorded"]["detected_at"] == blocker.detected_at.date().isoformat()


# Holes


def test_what_the_file_leaves_out_follows_from_the_rest():
    load(
        """
format_version: 1
program:
  key: p
  name: P
  waves:
  - key: w
    name: W
    sequence_number: 1
    tasks:
    - {key: done, name: Done, state: completed}
    - key: open
      name: Open
      qa_runs:
      - {key: a, total: 9, passing: 4, failing: 2, executed_at: 2026-01-01}
      - {key: b, passing: 4, failing: 2, executed_at: 2026-01-02}
      - {key: c, total: 9, passing: 4, executed_at: 2026-01-03}
      - {key: d, total: 9, passing: 9, failing: 0, test_debt_count: 1, executed_at: 2026-01-04}
      - {key: e, total: 0, passing: 0, failing: 0, executed_at: 2026-01-05}
      validations:
      - {key: v, validation_results: {s: {a: true, b: true, c: false}}, validated_at: 2026-01-01}
"""
    )
    program = Program.objects.get()
    assert (program.description, program.objectives, program.state) == ("", [], "planned")
    done, undone = Task.objects.order_by("name")
    assert (done.progress_percentage, done.acceptance_criteria) == (100, "")
    assert (undone.progress_percentage, undone.state, undone.assigned_builder) == (
        0,
        "planned",
        None,
    )
    counts = ["total_tests", "passing_tests", "failing_tests", "skipped_tests", "qa_status"]
    assert list(QAExecution.objects.order_by("executed_at").values_list(*counts)) == [
        (9, 4, 2, 3, "PARTIAL"),
        (6, 4, 2, 0, "PARTIAL"),
        (9, 4, 5, 0, "PARTIAL"),
        (9, 9, 0, 0, "PARTIAL"),
        (0, 0, 0, 0, "RED"),
    ]
    check = ArchitectureValidation.objects.get()
    assert (check.pass_rate, check.build_readiness) == (Decimal("66.66"), "NOT_READY")
    assert check.validated_by == "foreman"


# Again, and changed


def test_importing_twice_changes_nothing_and_says_so(sample):
    before = Evidence.objects.count()
    text = imported(plans.SAMPLE)
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
    found = load(text)
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


def test_what_the_file_no_longer_has_is_kept_and_told():
    load(GOOD)
    without = re.sub(r"      qa_runs:\n.*?(?=      validations:)", "", GOOD, flags=re.S)
    without = without.replace("    dependencies: [first]\n", "")
    found = load(without)
    assert list(found.lines()) == [
        '~ wave second: dependencies ["' + str(id_of("wave", "first")) + '"] -> []',
        "= 1 QA run of the office not in the file, kept",
    ]
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
    plans.apply(read(GOOD), by=UserFactory(username="johan"))
    marked = Evidence.objects.filter(context__has_key="import")
    assert set(marked.values_list("context__user", flat=True)) == {"johan"}


# What the office rules out


def clash(text):
    with pytest.raises(plans.PlanErrors) as caught:
        load(text)
    return caught.value.lines()


def test_another_program_of_the_same_name_is_in_the_way():
    ProgramFactory(name="Lamps")
    assert clash(GOOD) == ["plan.yaml:4: name: another program of the office has this name"]


def test_an_id_of_another_program_is_not_taken_over():
    other = TaskFactory()
    assert clash(GOOD.replace("key: wire", f"key: wire\n      id: {other.pk}")) == [
        "plan.yaml:10: wire: is the id of a row outside this program"
    ]
    assert clash(GOOD.replace("key: first", f"key: first\n    id: {other.wave.pk}")) == [
        "plan.yaml:6: first: is the id of a row outside this program"
    ]


def test_a_number_of_a_wave_that_the_file_does_not_have_is_in_the_way():
    load(GOOD)
    WaveFactory(program=Program.objects.get(), sequence_number=7)
    assert clash(GOOD.replace("sequence_number: 2", "sequence_number: 7")) == [
        "plan.yaml:32: sequence_number: is that of a wave of the office not in the file"
    ]


def test_a_blocker_that_is_open_already_is_in_the_way():
    closed = GOOD.replace(
        "detected_at: 2026-01-08\n", "detected_at: 2026-01-08\n  resolved_at: 2026-01-09\n"
    )
    load(closed)
    wave = Wave.objects.get(name="The second wave")
    Blocker.objects.create(
        entity_type="wave", entity_id=wave.pk, classification="protected_path", description="Again."
    )
    assert clash(GOOD) == ["plan.yaml:38: stuck: is open in the office already, as another blocker"]


# The commands


def test_a_dry_run_shows_the_difference_and_could_not_write(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    before = Evidence.objects.count()
    with CaptureQueriesContext(connection) as queries:
        text = imported(file, dry_run=True)
    assert '+ task wire "Wire the lamp"' in text
    assert text.splitlines()[-1].startswith("A dry run: nothing is written.")
    assert not Program.objects.exists()
    assert Evidence.objects.count() == before
    said = [query["sql"] for query in queries]
    assert said[1] == "SET TRANSACTION READ ONLY"
    others = [each for each in said if not each.startswith("SELECT")]
    assert [each.split()[0] for each in others] == ["SAVEPOINT", "SET", "RELEASE"]


def test_the_import_tells_its_progress_line_by_line_where_there_is_no_terminal(sample, tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    assert imported(file).splitlines()[:3] == [
        "programs 1 of 1",
        "waves 2 of 2",
        "tasks 1 of 1",
    ]


def test_a_terminal_gets_a_bar(tmp_path):
    class Terminal(StringIO):
        def isatty(self):
            return True

    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    out = Terminal()
    call_command("import_plan", file, stdout=out)
    assert f"\r{'█' * 20} waves 2 of 2" in out.getvalue()


def test_a_refused_file_ends_the_command_with_its_reasons(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD.replace("state: completed", "state: done"))
    with pytest.raises(CommandError) as caught:
        imported(file)
    assert str(caught.value).startswith(f"{file}:13: state: 'done' is not one of")
    assert caught.value.returncode == 1
    assert not Program.objects.exists()


def test_a_file_that_is_not_there_ends_the_command(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        imported(tmp_path / "none.yaml")


def test_what_the_database_refuses_ends_the_command_too(tmp_path, sql):
    sql("ALTER TABLE tasks ADD CONSTRAINT no_lamps CHECK (name NOT LIKE '%lamp%')")
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    with pytest.raises(CommandError, match="no_lamps"):
        imported(file)
    assert not Program.objects.exists()


def test_a_program_is_exported_by_name_or_id_into_a_file_or_to_the_terminal(tmp_path):
    load(GOOD)
    program = Program.objects.get()
    out = StringIO()
    call_command("export_plan", "Lamps", stdout=out)
    file = tmp_path / "out.yaml"
    call_command("export_plan", str(program.pk), output=file)
    assert file.read_text() == out.getvalue() == exported(program)


def test_an_unknown_program_is_answered_with_those_that_are_known():
    load(GOOD)
    with pytest.raises(CommandError, match=r"There is no program 'Lamp'. The office has: Lamps"):
        call_command("export_plan", "Lamp")


def test_times_are_told_in_utc():
    load(GOOD.replace("2026-01-08T10:00:00Z", "2026-01-08T12:00:00.25+02:00"))
    assert Task.objects.get().started_at == datetime(2026, 1, 8, 10, 0, 0, 250000, UTC)
    assert "started_at: 2026-01-08T10:00:00.250000Z" in exported(Program.objects.get())


# Many tasks, and many at once


def large(tasks):
    """A plan of one hundred waves, each after the one before."""
    lines = ["format_version: 1", "program:", "  key: large", "  name: Large", "  waves:"]
    for wave in range(100):
        lines += [f"  - key: wave-{wave}", f"    name: Wave {wave}", f"    sequence_number: {wave}"]
        lines += [f"    dependencies: [wave-{wave - 1}]"] if wave else []
        lines += ["    tasks:"]
        for number in range(wave, tasks, 100):
            lines += [f"    - key: task-{number}", f"      name: Task {number}"]
            lines += ["      assigned_builder: ui-builder", "      source: plan.md@f32c404"]
            lines += ["      acceptance_criteria: every test passes"]
    return "\n".join(lines)


def test_ten_thousand_tasks_are_in_within_a_minute(tmp_path):
    file = tmp_path / "large.yaml"
    file.write_text(large(10_000))
    began = time.monotonic()
    said = imported(file)
    assert time.monotonic() - began < 60
    assert Task.objects.count() == 10_000
    assert "tasks 10,000 of 10,000" in said.splitlines()


def test_a_larger_plan_takes_no_more_statements():
    def statements(tasks):
        with CaptureQueriesContext(connection) as queries:
            load(large(tasks).replace("large", f"large-{tasks}").replace("Large", f"L{tasks}"))
        return len(queries)

    assert statements(100) == statements(500)


def test_memory_does_not_grow_with_the_file(monkeypatch):
    monkeypatch.setattr(spool, "BATCH", 50)

    def most(tasks):
        text = large(tasks).replace("large", f"large-{tasks}").replace("Large", f"L{tasks}")
        stream = BytesIO(text.encode())
        tracemalloc.start()
        plans.apply(plans.read(stream, "plan.yaml"), by=None)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    most(100)  # what is kept after the first import is not of the file
    assert most(2000) < 2 * most(200)


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_and_an_export_see_one_moment_and_may_not_write(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    imported(file)
    file.write_text(GOOD.replace("state: completed", "state: failed"))
    with CaptureQueriesContext(connection) as queries:
        assert "state completed -> failed" in imported(file, dry_run=True)
        exported(Program.objects.get())
    asked = [query["sql"] for query in queries if query["sql"].startswith("SET")]
    assert asked == ["SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"] * 2


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_at_once_one_writes_and_the_other_finds_it_done():
    together = Barrier(2)

    def one(_):
        try:
            plan = read(GOOD)
            together.wait(10)
            return bool(plans.apply(plan, by=None))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2))) == [False, True]
    assert Task.objects.count() == 1
