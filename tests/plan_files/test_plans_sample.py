"""The sample's plan file in the office, and what a file leaves out."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import now

from builders.models import Builder, Heartbeat
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Evidence,
    GovernanceViolation,
    QAExecution,
)
from programs.models import Program, Task, Wave
from tests.plan_files.plans import load

pytestmark = pytest.mark.django_db


def by(rows, field):
    return {
        value: rows.filter(**{field: value}).count() for value in rows.values_list(field, flat=True)
    }


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
