"""Offices of which plan files are written: the sample's, and one that no file knows."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from builders.actions import assign_task
from governance.actions import raise_blocker, record_validation, resolve_blocker, resolve_violation
from governance.models import ArchitectureValidation, GovernanceViolation, QAExecution
from programs.actions import complete_task
from programs.models import Task
from tests.database import as_administrator
from tests.factories import (
    BuilderFactory,
    HeartbeatFactory,
    ProgramFactory,
    QAExecutionFactory,
    TaskFactory,
    WaveFactory,
)
from tests.plan_files.plans import load_sample


@pytest.fixture
def sample(db):
    return load_sample()


@pytest.fixture
def by_hand(db):
    """An office in which people and builders acted, and that no file knows."""
    past = now() - timedelta(days=30)
    program = ProgramFactory(
        name="Lamps", created_at=past, updated_at=past, evidence_location="", objectives=["Light"]
    )
    first = WaveFactory(program=program, sequence_number=1, created_at=past, updated_at=past)
    WaveFactory(program=program, sequence_number=2, dependencies=[str(first.pk)])
    same = [TaskFactory(wave=first, name="Wire a lamp", created_at=past) for _ in range(3)]
    nameless = TaskFactory(wave=first, name="灯", acceptance_criteria="", evidence_location="")
    builder = BuilderFactory(last_heartbeat=past)
    record_validation(same[0], validation_results={"section": {"item": True}}, by=None)
    QAExecutionFactory(task=same[0], passing_tests=0, failing_tests=3)
    assign_task(same[0], builder, by=None)
    # What arrives in this one transaction arrives at its beginning: the work was reported before.
    HeartbeatFactory(
        builder=builder, task=same[0], progress_percentage=40, message="",
        timestamp=now() - timedelta(minutes=1),
    )  # fmt: skip
    QAExecutionFactory(task=same[0], passing_tests=3, executed_at=now())
    same[0].refresh_from_db()
    complete_task(same[0], evidence_location="evidence/lamp/", by=builder)
    for _ in range(2):
        blocker = raise_blocker(first, classification="protected_path", description="", by=None)
    raise_blocker(program, classification="builder_stall", description="Silence.", by=None)
    resolve_blocker(blocker, resolution_action="Opened.", by=None)
    violation = GovernanceViolation.objects.create(
        task=same[1], builder=builder, violation_type="skipped a test", description="One."
    )
    resolve_violation(violation, resolution="", by=None)
    ArchitectureValidation.objects.create(
        task=nameless,
        architecture_reference="",
        validation_results={"section": {"item": True}},
        pass_rate=100,
        build_readiness="READY",
        validated_by="somebody",
    )
    QAExecution.objects.create(
        task=nameless,
        qa_suite_location="tests/",
        total_tests=3,
        passing_tests=1,
        failing_tests=1,
        skipped_tests=1,
        qa_status="PARTIAL",
    )
    Task.objects.filter(wave=first).update(progress_percentage=70)
    same[2].delete()
    as_administrator(
        "INSERT INTO evidence_trail (entity_type, entity_id, action, actor, context)"
        " VALUES ('task', %s, 'noted', 'somebody', '{\"key\": \"k\", \"x\": [1, 1.5, 1e300]}')",
        nameless.pk,
    )
    return program
