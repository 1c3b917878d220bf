"""An architecture validation as a builder reports it, and what is answered."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from ninja import Schema
from pydantic import (
    Field,
    StrictBool,
)

from foreman_office.api.schemas.fields import Line, Taken, example
from governance.models import (
    ArchitectureValidation,
    Readiness,
)

# {section: {item: true if it passes}}
Results = Annotated[
    dict[Line, Annotated[dict[Line, StrictBool], Field(min_length=1, max_length=500)]],
    Field(min_length=1, max_length=100),
]


class Checklist(Taken):
    """The task's architecture, item by item."""

    model_config = example(
        validation_results={"interfaces": {"named": True, "data shapes stated": False}}
    )

    validation_results: Results = Field(description="{section: {item: true if it passes}}")


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
