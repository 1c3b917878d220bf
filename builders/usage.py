"""Usage that a builder reports: data points as they are counted."""

import json
from collections.abc import Collection
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from builders.models import UsageKind, UsageSource

PLACES = 12  # decimal places of what is stored
LARGEST = Decimal(10) ** 15
STEP = Decimal(1).scaleb(-PLACES)


class Remark(NamedTuple):
    """Something that was not understood, and why."""

    subject: str
    reason: str


class DataPoint(NamedTuple):
    """A data point: a series, a time and a value. Times are nanoseconds since 1970."""

    service: str
    session: str
    source: UsageSource
    digest: bytes  # of what identifies the series
    is_cumulative: bool
    model: str
    kind: UsageKind
    part_of: UsageKind | None  # the kind that these tokens are counted in too, and are taken out of
    started_ns: int
    at_ns: int
    value: Decimal
    task: UUID | None = None
    # US dollars for one of the kind, and of the kind that it is a part of.
    price: Decimal | None = None
    part_price: Decimal | None = None


class Counted(NamedTuple):
    """How many points were counted, how many came again, and how many of those with other values.

    A point that comes again is not counted again, whatever its value.
    """

    counted: int
    repeated: int
    differing: int


def stored_value(value: float | int | Decimal) -> Decimal | None:
    """Return a count as it is stored; None if it is negative, not finite or beyond all counts."""
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite() or not 0 <= number <= LARGEST:
        return None
    return number.quantize(STEP)


def points_as_json(rows: Collection[DataPoint]) -> str:
    """Return points as builders_count_usage() takes them."""
    return json.dumps([_as_object(point) for point in rows])


def _as_object(point: DataPoint) -> dict[str, object]:
    return point._asdict() | {
        "digest": f"\\x{point.digest.hex()}",
        "value": f"{point.value:f}",
        "task": point.task and str(point.task),
        "price": point.price and f"{point.price:f}",
        "part_price": point.part_price and f"{point.part_price:f}",
    }
