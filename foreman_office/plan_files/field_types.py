"""The types of the fields of a plan file: which values are accepted, and how they are read."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from django.db import models
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
)

from foreman_office.plan_files.reading import plain
from kit.core.bounds import is_ahead, too_long
from programs.models import FIRST_DAY, MAX_ORDINAL, BuilderName

INTEGER = 2**31 - 1


def in_choices(choices: type[models.TextChoices]) -> AfterValidator:
    words = choices.values  # which are put together each time that they are asked for

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is not one of {', '.join(words)}")
        return value

    return AfterValidator(check)


def utc_time(value: Any) -> datetime:
    """Return a time in UTC. A bare date is its midnight; the file's word is kept beside it."""
    match value:
        case datetime(tzinfo=None):
            raise ValueError("a time needs its zone: UTC is written as 2026-01-08T13:14:59Z")
        case datetime():
            try:
                told = value.astimezone(UTC)
            except OverflowError:
                raise ValueError("outside the calendar") from None
        case date():
            told = datetime(value.year, value.month, value.day, tzinfo=UTC)
        case _:
            raise ValueError("must be a time such as 2026-01-08T13:14:59Z, without quotes")
    if is_ahead(told):
        raise ValueError("is in the future, by the office's clock")
    return told


def day_alone(value: Any) -> date:
    """Return a day of the calendar, which has no time and no zone."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("must be a day such as 2026-12-24, without a time and without quotes")
    if value < FIRST_DAY:
        raise ValueError(f"must not be before {FIRST_DAY}")
    return value


def exact_rate(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    exact = Decimal(repr(value))
    if not 0 <= exact <= 100:
        raise ValueError("must be between 0 and 100")
    if exact != round(exact, 2):
        raise ValueError("has more than two decimals")
    return round(exact, 2)


def uuid_of(value: Any) -> UUID:
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise ValueError("must be a UUID") from None


def text_or_texts(value: Any) -> Any:
    """Return a text, or a list of texts."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return list(value)
    raise ValueError("must be a text or a list of texts")


Key = Annotated[str, Field(min_length=1, max_length=200)]
Name = Annotated[str, Field(min_length=1)]


def short_enough_to_index(value: str) -> str:
    """Return the text, which is short enough to stand in an index."""
    if reason := too_long(value):
        raise ValueError(reason)
    return value


Indexed = Annotated[str, AfterValidator(short_enough_to_index)]
IndexedName = Annotated[Name, AfterValidator(short_enough_to_index)]
Sentence = Annotated[str, Field(pattern=r"\S", max_length=10_000)]
Ordinal = Annotated[int, Field(ge=0, le=MAX_ORDINAL)]
Count = Annotated[int, Field(ge=0, le=INTEGER)]
Percent = Annotated[int, Field(ge=0, le=100)]
Day = Annotated[date, BeforeValidator(day_alone)]
Time = Annotated[datetime, BeforeValidator(utc_time)]
Id = Annotated[UUID, BeforeValidator(uuid_of)]
Texts = Annotated[Any, AfterValidator(text_or_texts)]
Tree = Annotated[dict[str, Any], AfterValidator(plain)]
BuilderKey = Annotated[str, in_choices(BuilderName)]
