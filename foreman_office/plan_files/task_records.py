"""The records of a task's history: validations, runs, violations, heartbeats."""

from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
)

from builders.models import Heartbeat as HeartbeatRow
from builders.models import HeartbeatStatus
from foreman_office.plan_files.field_types import (
    INTEGER,
    BuilderKey,
    Count,
    Indexed,
    Name,
    Percent,
    Sentence,
    Time,
    exact_rate,
    in_choices,
)
from foreman_office.plan_files.record_base import KeyedRecord, ReportError, check_order
from governance import models as judgement
from kit.core.acts import FOREMAN


class ValidationRecord(KeyedRecord):
    kind = "validation"
    table = judgement.ArchitectureValidation

    architecture_reference: str | None = None  # the task's own, where it is left out
    validation_results: dict[str, dict[str, bool]] = {}
    pass_rate: Annotated[Decimal, BeforeValidator(exact_rate)] | None = None
    build_readiness: Annotated[str, in_choices(judgement.Readiness)] | None = None
    validated_at: Time
    validated_by: Name = FOREMAN

    def apply_defaults(self, report_error: ReportError) -> None:
        items = [
            passed for section in self.validation_results.values() for passed in section.values()
        ]
        if self.pass_rate is None:
            if not items:
                report_error(self, None, "needs a pass_rate or a checklist")
                return
            # Rounded down: only a full pass is 100.
            full = Decimal(100 * sum(items)) / len(items)
            self.pass_rate = full.quantize(Decimal("0.01"), ROUND_DOWN)
        # READY is a full pass and nothing else; what the file calls ready is kept as recorded.
        self.build_readiness = "READY" if self.pass_rate == 100 else "NOT_READY"


# What a file says of a run only where it is otherwise.
SAID_OF_RUNS: dict[str, Any] = {"never_tests": 0, "ended_zone_known": True}


class QARunRecord(KeyedRecord):
    kind = "qa_run"
    table = judgement.QAExecution

    qa_suite_location: Indexed | None = None  # the task's own, where it is left out
    total_tests: Count | None = Field(None, alias="total")
    passing_tests: Count | None = Field(None, alias="passing")
    failing_tests: Count | None = Field(None, alias="failing")
    skipped_tests: Count | None = Field(None, alias="skipped")
    test_debt_count: Count = 0
    warnings: Count | None = None
    qa_status: Annotated[str, in_choices(judgement.QAStatus)] | None = None
    executed_at: Time
    arrived_at: Time | None = None  # when it was made, where it is left out
    ended_at: Time | None = None
    ended_zone_known: bool = True
    exit_code: Annotated[int, Field(ge=-(2**31), lt=2**32)] | None = None
    execution_time_ms: Count | None = None
    never_tests: Count = 0
    against: list[Sentence] = []
    remarks: list[Sentence] = []

    @classmethod
    def is_omitted(cls, name: str, value: Any) -> bool:
        return super().is_omitted(name, value) or SAID_OF_RUNS.get(name) is value

    def apply_defaults(self, report_error: ReportError) -> None:
        if not self._count():
            report_error(self, None, "the counts do not determine how many tests passed and failed")
            return
        total, passing = self.total_tests or 0, self.passing_tests or 0
        parts = [passing, self.failing_tests or 0, self.skipped_tests or 0]
        if min(parts) < 0 or sum(parts) != total or total > INTEGER:
            sum_ = " + ".join(map(str, parts))
            report_error(self, "total_tests", f"{total} tests are not the sum of {sum_}")
            return
        if passing == 0:
            status = "RED"
        elif passing == total and self.test_debt_count == 0 and not self.against:
            status = "GREEN"
        else:
            status = "PARTIAL"
        if self.qa_status not in (None, status):
            report_error(self, "qa_status", f"says {self.qa_status}, but the run says {status}")
        if self.never_tests > total:
            report_error(self, "never_tests", f"{self.never_tests} are more than all {total} tests")
        self.qa_status = status

    def _count(self) -> bool:
        """Derive the counts that are missing, or return false where they do not follow."""
        if self.total_tests is None:
            if self.passing_tests is None or self.failing_tests is None:
                return False
            self.skipped_tests = self.skipped_tests or 0
            self.total_tests = self.passing_tests + self.failing_tests + self.skipped_tests
            return True
        parts = ["passing_tests", "failing_tests", "skipped_tests"]
        missing = [name for name in parts if getattr(self, name) is None]
        if len(missing) == 2 and self.skipped_tests is None:
            self.skipped_tests = 0
            missing.remove("skipped_tests")
        if len(missing) == 1:
            others = sum(getattr(self, name) for name in parts if name != missing[0])
            setattr(self, missing[0], self.total_tests - others)
        return len(missing) < 2


class ViolationRecord(KeyedRecord):
    kind = "violation"
    table = judgement.GovernanceViolation

    violation_type: Name
    description: str = ""
    builder_id: BuilderKey | None = Field(None, alias="builder")
    committed_by: str | None = None
    detected_at: Time
    resolution: str | None = None
    resolved_at: Time | None = None

    def apply_defaults(self, report_error: ReportError) -> None:
        check_order(self, "detected_at", "resolved_at", report_error)


class HeartbeatRecord(KeyedRecord):
    kind = "heartbeat"
    table = HeartbeatRow

    builder_id: BuilderKey = Field(alias="builder")
    sent_by: str | None = None
    timestamp: Time = Field(alias="at")
    status: Annotated[str, in_choices(HeartbeatStatus)] | None = None
    task_status: str | None = None
    message: str | None = None
    progress_percentage: Percent | None = None

    def apply_defaults(self, report_error: ReportError) -> None:
        # A heartbeat with only the task's status does not show that work continued.
        self.status = self.status or HeartbeatStatus.IDLE.value
        if self.message is None and self.task_status:
            self.message = self.task_status
