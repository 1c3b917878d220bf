"""The bodies of the builders' API about a task: what is taken, and what is answered."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from builders.api import no_nul
from foreman_office.kit.api import Error, Errors, error
from governance import junit
from governance.gates import Condition
from governance.models import (
    ArchitectureValidation,
    Blocker,
    Classification,
    CompletionClaim,
    QAStatus,
    QATestResult,
    Readiness,
    TestOutcome,
)
from governance.quality import Comparison
from programs.models import Task, TaskState

Text = Annotated[str, Field(max_length=10_000), AfterValidator(no_nul)]
Words = Annotated[str, Field(pattern=r"\S", max_length=10_000), AfterValidator(no_nul)]
Line = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(no_nul)]
Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class Taken(Schema):
    """A body that says nothing but what is known here."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)


def example(**body: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": body})


# --- QA runs --------------------------------------------------------------------------------------


class TestOfRun(Taken):
    name: Line = Field(description="The same in every run: by it runs are compared.")
    outcome: TestOutcome
    message: Text | None = Field(None, description="Why it failed.")
    flaky: StrictBool = Field(
        False, description="It failed at first and passed when it was run again."
    )


class QARun(Taken):
    """A run of the task's own suite, in numbers; the office draws the status from them."""

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
    test_debt_count: Count = Field(0, description="Tests that are stubs, or were put off.")
    execution_time_ms: int | None = Field(None, ge=0, lt=2**31, strict=True)
    tests: list[TestOfRun] = Field(
        [],
        max_length=junit.MAX_TESTS,
        description="The tests by name. Where they are given, the counts are those of the tests.",
    )

    @model_validator(mode="after")
    def tests_agree(self) -> Self:
        if not self.tests:
            return self
        if len({test.name for test in self.tests}) < len(self.tests):
            raise PydanticCustomError("tests_named_once", "A test is there twice")
        outcomes = [test.outcome for test in self.tests]
        counted = tuple(map(outcomes.count, ("passed", "failed", "skipped")))
        if counted != (self.passing, self.failing, self.skipped):
            raise PydanticCustomError(
                "counts_agree",
                "The tests say {passed} passed, {failed} failed, {skipped} skipped",
                dict(zip(("passed", "failed", "skipped"), counted, strict=True)),
            )
        return self


class Failure(Schema):
    name: str
    message: str | None


class RunBefore(Schema):
    execution_id: UUID
    executed_at: datetime
    qa_status: QAStatus
    total_tests: int
    passing_tests: int


class Changes(Schema):
    """What changed since the run of the suite before, test by test."""

    before: RunBefore | None = Field(description="The run before; null for the first.")
    named: bool = Field(description="Both runs name their tests; if not, nothing is compared.")
    newly_failing: list[str]
    still_failing: list[str]
    fixed: list[str]
    newly_skipped: list[str]
    vanished: list[str]
    flaky: list[str]
    first_failure: Failure | None

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        def names(results: list[QATestResult]) -> list[str]:
            return [result.name for result in results]

        before, first = comparison.before, comparison.first_failure
        return cls(
            before=RunBefore.from_orm(before) if before else None,
            named=comparison.named,
            newly_failing=names(comparison.newly_failing),
            still_failing=names(comparison.still_failing),
            fixed=names(comparison.fixed),
            newly_skipped=names(comparison.newly_skipped),
            vanished=names(comparison.vanished),
            flaky=names(comparison.flaky),
            first_failure=Failure.from_orm(first) if first else None,
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
    executed_at: datetime
    task_state: TaskState = Field(description="Blocked, where runs without progress held it up.")
    changes: Changes

    @classmethod
    def of(cls, comparison: Comparison, task: Task) -> Self:
        run = comparison.run
        return cls(
            **{name: getattr(run, name) for name in cls.model_fields if hasattr(run, name)},
            task_state=task.state,
            changes=Changes.of(comparison),
        )


# --- claims ---------------------------------------------------------------------------------------


class Claim(Taken):
    """The builder says that the task is done."""

    model_config = example(evidence_location="evidence/hold/expiry.md")

    evidence_location: Line | None = Field(
        None, description="Where the proof is, where the task does not say so yet."
    )


class Met(Schema):
    """One condition, and whether it is met now."""

    rule: str
    met: bool
    detail: str

    @classmethod
    def all(cls, conditions: list[Condition]) -> list[Self]:
        return [cls(**condition._asdict()) for condition in conditions]


class ClaimAccepted(Schema):
    """The task is completed, and the builder's hands are empty."""

    claim_id: UUID
    claimed_at: datetime
    accepted: Literal[True]
    conditions: list[Met]


class ClaimRefused(Errors):
    """The task is not done. The claim is kept; each condition that is not met is an error too."""

    claim_id: UUID
    claimed_at: datetime
    accepted: Literal[False]
    conditions: list[Met]


def claim_answer(claim: CompletionClaim) -> ClaimAccepted | ClaimRefused:
    conditions = [Met(**condition) for condition in claim.conditions]
    said = {"claim_id": claim.pk, "claimed_at": claim.claimed_at, "conditions": conditions}
    if claim.accepted:
        return ClaimAccepted(accepted=True, **said)
    unmet = [
        Error(**error(None, condition.rule, condition.detail))
        for condition in conditions
        if not condition.met
    ]
    return ClaimRefused(accepted=False, errors=unmet, **said)


# --- escalations ----------------------------------------------------------------------------------

# What a builder can find in its way. That it is silent is for the office to notice.
Trouble = Literal[
    Classification.ARCHITECTURE_QA_MISMATCH,
    Classification.IMPOSSIBLE_REQUIREMENTS,
    Classification.PROTECTED_PATH,
    Classification.REPEATED_FAILURES,
    Classification.CONSTITUTIONAL_VIOLATION,
]


class Escalation(Taken):
    """What holds the builder up, and what it has tried."""

    model_config = example(
        classification="architecture_qa_mismatch",
        description="tests/hold/ asks for a field that the architecture does not know.",
        attempts=["read architecture/hold.md again", "searched the schema for the field"],
        last_error="KeyError: 'released_at'",
    )

    classification: Trouble
    description: Words
    attempts: Annotated[StrictInt, Field(ge=0, le=1_000_000)] | list[Line] = Field(
        0, description="What was tried so far: how often, or each attempt in a line."
    )
    last_error: Text | None = None


class EscalationTaken(Schema):
    """The task is blocked until somebody has resolved this."""

    blocker_id: UUID
    classification: Classification
    description: str
    detected_at: datetime
    occurrences: int = Field(description="How often this trouble was reported.")
    task_state: TaskState

    @classmethod
    def of(cls, blocker: Blocker, task: Task) -> Self:
        return cls(
            **{name: getattr(blocker, name) for name in cls.model_fields if name != "task_state"},
            task_state=task.state,
        )


# --- validations ----------------------------------------------------------------------------------


class Checklist(Taken):
    """The task's architecture, item by item."""

    model_config = example(
        validation_results={"interfaces": {"named": True, "data shapes stated": False}}
    )

    validation_results: dict[
        Line, Annotated[dict[Line, StrictBool], Field(min_length=1, max_length=500)]
    ] = Field(min_length=1, max_length=100, description="{section: {item: whether it holds}}")


class ValidationTaken(Schema):
    """The validation is stored."""

    validation_id: UUID
    architecture_reference: str
    pass_rate: float
    build_readiness: Readiness
    failed_items: list[str]
    validated_at: datetime
    validated_by: str

    @classmethod
    def of(cls, validation: ArchitectureValidation) -> Self:
        return cls(
            **{
                name: getattr(validation, name)
                for name in cls.model_fields
                if name != "failed_items"
            },
            failed_items=failed_items(validation),
        )


def failed_items(validation: ArchitectureValidation) -> list[str]:
    return [
        f"{section}: {item}"
        for section, items in validation.sections
        for item, passed in items
        if passed is not True
    ]
