"""What the bodies of the builders' API have in common: texts, counts, and no unknown field."""

from typing import Annotated, Any

from ninja import Schema
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
)

from foreman_office.api.heartbeat import no_nul

Text = Annotated[str, Field(max_length=10_000), AfterValidator(no_nul)]
Words = Annotated[str, Field(pattern=r"\S", max_length=10_000), AfterValidator(no_nul)]
Line = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(no_nul)]
ExitCode = Annotated[int, Field(ge=-(2**31), lt=2**32)]
Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True)]


class Taken(Schema):
    """A request body that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", use_enum_values=True)


def example(**body: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": body})
