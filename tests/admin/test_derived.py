"""What follows from other fields is not asked; what is changed of the plan asks a reason."""

import pytest

from governance.models import ArchitectureValidation, Evidence, QAExecution
from tests.admin.conftest import errors, shows
from tests.factories import (
    ArchitectureValidationFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)

pytestmark = pytest.mark.django_db


def trail():
    return Evidence.objects.order_by("sequence")


def test_ready_is_a_full_pass(office):
    page = office.add(
        ArchitectureValidation,
        task=str(TaskFactory().pk),
        architecture_reference="design.md",
        pass_rate="92",
        build_readiness="READY",
    )
    assert page.status_code == 302
    added = ArchitectureValidation.objects.get(architecture_reference="design.md")
    assert (added.pass_rate, added.build_readiness) == (92, "NOT_READY")
    validation = ArchitectureValidationFactory()
    page = office.change(validation, validation_results="")
    assert "Enter a reason to correct what was recorded." in errors(page)[0]
    assert office.change(validation, validation_results="", reason="Odd.").status_code == 302
    validation.refresh_from_db()
    assert validation.validation_results == {}


def test_the_pass_rate_follows_from_the_checklist(office):
    def add(**values):
        return office.add(
            ArchitectureValidation,
            task=str(TaskFactory().pk),
            architecture_reference="design.md",
            **values,
        )

    checklist = '{"docs": {"design": true, "diagram": true, "names": false}}'
    assert add(validation_results=checklist).status_code == 302
    added = ArchitectureValidation.objects.get(architecture_reference="design.md")
    assert (str(added.pass_rate), added.build_readiness) == ("66.66", "NOT_READY")
    assert errors(add(validation_results=checklist, pass_rate="100")) == [
        "The checklist gives 66.66 %: change the checklist."
    ]
    assert errors(add(validation_results="{}")) == ["Enter a checklist or a pass rate."]
    answer = office.change(
        added, validation_results=checklist.replace("false", "true"), reason="It is named."
    )
    assert answer.status_code == 302
    added.refresh_from_db()
    assert (added.pass_rate, added.build_readiness) == (100, "READY")


def test_the_total_of_tests_follows_from_the_counts(office):
    run = QAExecutionFactory(passing_tests=5, failing_tests=0)
    answer = office.change(run, failing_tests="2", reason="Two were left out.")
    assert answer.status_code == 302
    run.refresh_from_db()
    assert (run.total_tests, run.qa_status) == (7, "PARTIAL")
    page = office.add(
        QAExecution,
        task=str(run.task_id),
        qa_suite_location="tests/",
        passing_tests="2",
        failing_tests="1",
        skipped_tests="0",
        test_debt_count="0",
        never_tests="0",
        against="[]",
        remarks="[]",
    )
    assert page.status_code == 302
    assert QAExecution.objects.get(total_tests=3).qa_status == "PARTIAL"


def test_what_is_changed_in_a_row_below_asks_a_reason_too(office):
    wave = WaveFactory(name="Foundations")
    page = office.change(wave.program, **{"waves-0-name": "Footings"})
    assert page.status_code == 200
    assert shows(page, "Enter a reason: this is a correction.")
    answer = office.change(wave.program, **{"waves-0-name": "Footings"}, reason="Plainer.")
    assert answer.status_code == 302
    evidence = trail().last()
    assert evidence.context["changes"] == {"name": ["Foundations", "Footings"]}
    assert evidence.context["reason"] == "Plainer."
