"""A QA run as a builder reports it, and what is answered."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    FailFast,
    Field,
    StrictBool,
    model_validator,
)
from pydantic_core import PydanticCustomError

from foreman_office.api.heartbeat import END_OF_TIME, EPOCH, iso_8601, no_nul
from foreman_office.api.schemas.changes import Changes
from foreman_office.api.schemas.fields import Count, ExitCode, Taken, Text, Words, example
from foreman_office.reports import (
    MAX_TESTS,
    UNKNOWN_JSON,
    Outcome,
    Result,
    SuiteReport,
    from_counts,
)
from foreman_office.reports.times import FIRST_YEAR
from governance.models import (
    QAStatus,
    TestOutcome,
)
from governance.quality import Comparison
from kit.core.bounds import too_long
from programs.models import Task, TaskState


def fits_an_index(name: str) -> str:
    if reason := too_long(name):
        raise PydanticCustomError("string_too_many_bytes", "The name {reason}", {"reason": reason})
    return name


class TestOfRun(Taken):
    name: Annotated[
        str, Field(min_length=1), AfterValidator(no_nul), AfterValidator(fits_an_index)
    ] = Field(description="The same in every run: runs are compared by it.")
    outcome: TestOutcome
    message: Text | None = Field(None, description="Why it failed.")
    flaky: StrictBool = Field(
        False, description="It failed at first and passed when it was retried."
    )
    is_test: StrictBool = Field(
        True,
        description="False for what is no test (a module that could not be imported, a hook): it"
        " counts, and may be gone when it is mended.",
    )


class QARun(Taken):
    """The counts of a run of the task's suite; the office computes the status from them."""

    model_config = example(
        passing=1,
        failing=1,
        execution_time_ms=420,
        tests=[
            {"name": "tests/hold/test_expiry.py::test_a_hold_expires", "outcome": "passed"},
            {
                "name": "tests/hold/test_expiry.py::test_a_seat_is_free_again",
                "outcome": "failed",
                "message": "AssertionError: the seat is still held",
            },
        ],
    )

    passing: Count
    failing: Count
    skipped: Count = 0
    test_debt_count: Count = Field(0, description="Skipped, stubbed or expected-fail tests.")
    execution_time_ms: int | None = Field(None, ge=0, lt=2**31, strict=True)
    tests: Annotated[list[TestOfRun], FailFast()] = Field(
        [],
        max_length=MAX_TESTS,
        description="The tests by name. If they are given, the counts must match them.",
    )
    suite_failed: Words | None = Field(
        None, description="How the suite itself failed, beside its tests: it could not be imported."
    )
    exit_code: Annotated[ExitCode, Field(strict=True)] | None = Field(
        None, description="With what the runner ended; other than 0, the run is not GREEN."
    )
    executed_at: Annotated[AwareDatetime, BeforeValidator(iso_8601)] | None = Field(
        None, ge=EPOCH, lt=END_OF_TIME, description="When the run ended, with its time zone."
    )

    @model_validator(mode="before")
    @classmethod
    def has_counts(cls, told: Any) -> Any:
        """Refuse what has neither count and has other fields: it is a report of some kind."""
        is_run = isinstance(told, dict) and (
            {"passing", "failing"} & told.keys() or told.keys() <= cls.model_fields.keys()
        )
        if is_run or not isinstance(told, dict | list):
            return told
        raise PydanticCustomError("report", "{reason}", {"reason": UNKNOWN_JSON})

    @model_validator(mode="after")
    def tests_agree(self) -> Self:
        if not self.tests:
            return self
        if len({test.name for test in self.tests}) < len(self.tests):
            raise PydanticCustomError("tests_named_once", "Duplicate test name")
        outcomes = [test.outcome for test in self.tests]
        counted = tuple(map(outcomes.count, ("passed", "failed", "skipped")))
        if counted != (self.passing, self.failing, self.skipped):
            raise PydanticCustomError(
                "counts_agree",
                "The tests say {passed} passed, {failed} failed, {skipped} skipped",
                dict(zip(("passed", "failed", "skipped"), counted, strict=True)),
            )
        return self

    @property
    def _knows_the_time(self) -> bool:
        return self.executed_at is not None and self.executed_at.year >= FIRST_YEAR

    def as_report(self) -> SuiteReport:
        """Return the run in the form that reports of runners take."""
        return from_counts(
            passing=self.passing,
            failing=self.failing,
            skipped=self.skipped,
            test_debt_count=self.test_debt_count,
            results=[
                Result(
                    name=test.name,
                    outcome=Outcome(test.outcome),
                    message=test.message,
                    flaky=test.flaky,
                    is_test=test.is_test,
                )
                for test in self.tests
            ],
            execution_time_ms=self.execution_time_ms,
            # A machine that has forgotten the time says nothing about it.
            executed_at=self.executed_at if self._knows_the_time else None,
            suite_failed=self.suite_failed,
            exit_code=self.exit_code,
        )


class QARunTaken(Schema):
    """The run is stored."""

    execution_id: UUID
    task_id: UUID
    qa_suite_location: str
    qa_status: QAStatus
    total_tests: int
    passing_tests: int
    failing_tests: int
    skipped_tests: int
    test_debt_count: int
    execution_time_ms: int | None
    executed_at: datetime = Field(
        description="When the run was made, never ahead of the office's clock."
    )
    arrived_at: datetime = Field(description="When it arrived. The latest run is the last to.")
    against: list[str] = Field(
        description="What speaks against the run beside its tests: with any it is not GREEN."
    )
    remarks: list[str] = Field(description="What was found in the report and decides nothing.")
    task_state: TaskState = Field(description="Blocked if runs without progress blocked the task.")
    changes: Changes

    @classmethod
    def of(cls, comparison: Comparison, task: Task) -> Self:
        run = comparison.run
        return cls(
            **{name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)},
            task_state=task.state,
            changes=Changes.of(comparison),
        )
