"""What a plan file says of runs and validations: whose they are, what speaks against, when."""

import pytest

from foreman_office import plan_files
from governance.models import ArchitectureValidation, LatestRun, QAExecution
from programs.models import Program, Task
from tests.plan_files.plans import exported, load, read

pytestmark = pytest.mark.django_db

PLAN = """\
format_version: 1
program:
  key: lamps
  name: Lamps
  waves:
  - key: first
    name: First
    sequence_number: 1
    tasks:
    - key: wire
      name: Wire
      architecture_reference: docs/arch.md
      qa_suite_location: tests/lamp/
      validations:
      - {key: v, pass_rate: 100, validated_at: 2026-01-01T08:00:00Z}
      qa_runs:
      - {key: a, passing: 0, failing: 2, executed_at: 2026-01-01T09:00:00Z}
      - {key: b, passing: 0, failing: 2, executed_at: 2026-01-01T09:00:00Z}
      - key: c
        passing: 2
        failing: 0
        executed_at: 2026-01-01T10:00:00Z
        arrived_at: 2026-01-01T11:00:00Z
        ended_at: 2026-01-01T10:00:00Z
        exit_code: 1
        never_tests: 1
        against: [The runner ended with exit code 1.]
        remarks: [It declares more tests than it has.]
      - {key: d, passing: 1, failing: 0, qa_suite_location: "", executed_at: 2026-01-02T09:00:00Z}
"""


def conditions(task, sql):
    return dict(sql("SELECT rule, met FROM governance_gate_assign_task(%s, 'ui-builder')", task))


def test_what_is_nested_in_a_task_is_of_its_own_suite_and_document(sql):
    load(PLAN)
    assert ArchitectureValidation.objects.get().architecture_reference == "docs/arch.md"
    suites = QAExecution.objects.order_by("recorded").values_list("qa_suite_location", flat=True)
    assert list(suites) == ["tests/lamp/", "tests/lamp/", "tests/lamp/", ""]
    task = Task.objects.get()
    met = conditions(task.pk, sql)
    assert met["architecture_ready"]
    assert met["suite_red"]  # for something speaks against the last


def test_what_a_run_says_beside_its_counts_is_kept():
    load(PLAN)
    run = QAExecution.objects.get(exit_code=1)
    assert (run.qa_status, run.never_tests) == ("PARTIAL", 1)
    assert run.against == ["The runner ended with exit code 1."]
    assert run.remarks == ["It declares more tests than it has."]
    assert (run.arrived_at - run.executed_at).total_seconds() == 3600
    assert run.ended_at == run.executed_at
    first = QAExecution.objects.order_by("recorded").first()
    assert first.arrived_at == first.executed_at


def test_runs_of_one_moment_keep_the_order_of_the_file():
    load(PLAN.replace("11:00:00Z", "09:00:00Z"))
    suite = LatestRun.objects.get(qa_suite_location="tests/lamp/")
    assert suite.execution.exit_code == 1


def test_it_comes_back_as_it_was_written_and_again():
    load(PLAN)
    text = exported(Program.objects.get())
    assert not plan_files.difference(read(text))
    assert not plan_files.difference(read(PLAN))
    for said in ("against:", "remarks:", "never_tests: 1", "exit_code: 1", "ended_at:"):
        assert text.count(said) == 1
    assert text.count("arrived_at:") == 1
    assert text.count("qa_suite_location: tests/lamp/") == 1  # the task's own
    assert text.count("qa_suite_location: ''") == 1
    assert "ended_zone_known" not in text

    Task.objects.update(qa_suite_location="tests/other/")
    assert exported(Program.objects.get()).count("qa_suite_location: tests/lamp/") == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("name: Lamps", f"name: {'x' * 2001}", "must have at most 2,000 bytes in UTF-8"),
        ("name: Lamps", f"name: {'💡' * 501}", "must have at most 2,000 bytes in UTF-8"),
        ("tests/lamp/", "路" * 700, "must have at most 2,000 bytes in UTF-8, and has 2,100"),
        ('qa_suite_location: ""', f"qa_suite_location: {'路' * 700}", "at most 2,000 bytes"),
        ("never_tests: 1", "never_tests: 3", "3 are more than all 2 tests"),
        ("exit_code: 1\n", "exit_code: 1\n        qa_status: GREEN\n", "the run says PARTIAL"),
        ("against: [The", 'against: ["", The', "against"),
    ],
)
def test_what_no_run_can_be_is_refused_by_its_line(old, new, reason):
    with pytest.raises(plan_files.PlanErrors) as refused:
        read(PLAN.replace(old, new, 1))
    assert reason in str(refused.value)
    assert not Program.objects.exists()
