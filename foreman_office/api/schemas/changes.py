"""What changed since the previous run of a suite, test by test."""

from datetime import datetime
from typing import Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    Field,
)

from governance.models import QAStatus
from governance.quality import ComparedTest, Comparison


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
    """What changed since the previous run of the suite, test by test."""

    before: RunBefore | None = Field(description="The previous run; null for the first.")
    named: bool = Field(description="Both runs name their tests; if not, nothing is compared.")
    newly_failing: list[str] | None = Field(
        description="Null if one of the runs does not name its tests."
    )
    still_failing: list[str]
    fixed: list[str]
    newly_skipped: list[str]
    removed: list[str] = Field(description="Tests of the previous run that are gone or renamed.")
    vanished: list[str] = Field(
        description="As `removed`; its name of before.", json_schema_extra={"deprecated": True}
    )
    flaky: list[str]
    first_failure: Failure | None

    @classmethod
    def of(cls, comparison: Comparison) -> Self:
        def names(results: list[ComparedTest]) -> list[str]:
            return [result.name for result in results]

        before, first = comparison.before, comparison.first_failure
        return cls(
            before=RunBefore.from_orm(before) if before else None,
            named=comparison.named,
            newly_failing=names(comparison.newly_failing) if comparison.named else None,
            still_failing=names(comparison.still_failing),
            fixed=names(comparison.fixed),
            newly_skipped=names(comparison.newly_skipped),
            removed=names(comparison.vanished),
            vanished=names(comparison.vanished),
            flaky=names(comparison.flaky),
            first_failure=Failure.from_orm(first) if first else None,
        )
