"""A claim of completion, and how each condition of the gate answers it."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    Field,
)

from foreman_office.api.schemas.fields import Line, Taken, example
from foreman_office.rules import Case, explain, remedies
from governance.gates import Condition
from governance.models import (
    CompletionClaim,
)
from kit.web.api import Error, Errors, error
from programs.models import Task


class Claim(Taken):
    """The claim of a builder that the task is done."""

    model_config = example(evidence_location="evidence/hold/expiry.md")

    evidence_location: Line | None = Field(
        None, description="Where the evidence is, if the task does not have a location yet."
    )


class Met(Schema):
    """A condition, and whether it is met now."""

    rule: str
    met: bool
    detail: str
    words: str = Field(description="What the rule demands.")
    remedy: str = Field(description="What would meet it; empty if it is met.")
    remedy_path: str = Field(description="The page on which that is done; empty if it is met.")

    @classmethod
    def all(cls, conditions: list[Condition], task: Task) -> list[Self]:
        """Describe conditions by the table of rules, as the pages do."""
        case = Case(task)
        acts = remedies([condition for condition in conditions if not condition.met], case)
        found = []
        for condition in conditions:
            act = next((act for act in acts if condition.rule in act.rules), None)
            found.append(
                cls(
                    **condition._asdict(),
                    words=explain(condition).words,
                    remedy=act.words if act else "",
                    remedy_path=act.address if act else "",
                )
            )
        return found


class ClaimAccepted(Schema):
    """The task is completed and unassigned from the builder."""

    claim_id: UUID
    claimed_at: datetime
    accepted: Literal[True]
    conditions: list[Met]


class ClaimRefused(Errors):
    """The claim is refused and kept. Each condition that is not met is listed as an error too."""

    claim_id: UUID
    claimed_at: datetime
    accepted: Literal[False]
    conditions: list[Met]


def claim_answer(claim: CompletionClaim) -> ClaimAccepted | ClaimRefused:
    conditions = Met.all([Condition(**answer) for answer in claim.conditions], claim.task)
    said = {"claim_id": claim.pk, "claimed_at": claim.claimed_at, "conditions": conditions}
    if claim.accepted:
        return ClaimAccepted(accepted=True, **said)
    unmet = [
        Error(**error(None, condition.rule, condition.detail))
        for condition in conditions
        if not condition.met
    ]
    return ClaimRefused(accepted=False, errors=unmet, **said)
