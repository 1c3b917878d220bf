"""Usage that builders report, counted for tasks and with prices."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Annotated
from uuid import UUID

from django.db import connection
from pydantic import BaseModel, ConfigDict, Field

from builders import actions
from builders.models import UsageKind, UsagePoint, UsageSource
from builders.prices import usable_prices
from builders.usage import LARGEST, Counted, DataPoint, Remark, stored_value
from kit.core.acts import Refused

# The time between two exports, unless the agent is set to another: so much later a task's usage may
# be reported.
INTERVAL = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = 1_000  # nanoseconds
AT_ONCE = 1_000  # points in one transaction; an export that breaks off is sent again


def count_points(
    builder: str,
    points: Collection[DataPoint],
    remarks: Collection[Remark] = (),
    task: UUID | None = None,
    organisation: UUID | None = None,
) -> Counted:
    """Count what was read, each point for the task that the builder had at its time, or for this.

    With the token of an organisation it is for that one's tasks alone, and its sessions are apart
    from those of the others. Returns how many there were of each kind, in all.
    """
    tasks = {} if task else tasks_held(builder, {point.at_ns for point in points}, organisation)
    prices = usable_prices()

    def complete(point: DataPoint) -> DataPoint:
        return point._replace(
            service=service_of(point.service, organisation),
            task=task or tasks[point.at_ns],
            price=prices.price(point.model, point.kind),
            part_price=point.part_of and prices.price(point.model, point.part_of),
        )

    counted = [actions.count_usage(builder, [], remarks)] if remarks else []
    counted += [
        actions.count_usage(builder, [complete(point) for point in some])
        for some in batched(points, AT_ONCE)
    ]
    return Counted(*map(sum, zip(*counted, strict=True))) if counted else Counted(0, 0, 0)


def service_of(service: str, organisation: UUID | None) -> str:
    """Return by what the sessions of a service are known that the token of one reports."""
    return f"{service} {organisation}" if organisation else service


def tasks_held(
    builder: str, moments: Collection[int], organisation: UUID | None
) -> dict[int, UUID | None]:
    """Return the task that the builder had at each moment, or up to a minute before.

    What it had of another organisation than this is none.
    """
    if not moments:
        return {}
    at = {moment: EPOCH + timedelta(microseconds=moment // MICROSECOND) for moment in moments}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, task_id FROM unnest(%s::timestamptz[]) AS at LEFT JOIN tasks"
            " ON task_id = governance_task_held(%s, at - %s, at)"
            " AND (%s::uuid IS NULL OR organisation_id = %s)",
            [[*set(at.values())], builder, INTERVAL, organisation, organisation],
        )
        held = dict(cursor.fetchall())
    return {moment: held[time] for moment, time in at.items()}


# --- with a heartbeat -----------------------------------------------------------------------------

Tokens = Annotated[int, Field(ge=0, le=int(LARGEST), strict=True)]


class BeatUsage(BaseModel):
    """What a step used: tokens by kind, none of which contains another, and its cost if known."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field("", max_length=200, pattern=r"^[^\x00]*$")
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    cost_usd: float | None = Field(None, ge=0, le=float(LARGEST), strict=True)


# The session of heartbeats without a cost, and of those that tell one.
SESSIONS = ("", "with a cost")
KINDS_OF_FIELDS = {
    "input_tokens": UsageKind.INPUT,
    "output_tokens": UsageKind.OUTPUT,
    "cache_read_tokens": UsageKind.CACHE_READ,
    "cache_write_tokens": UsageKind.CACHE_WRITE,
    "cost_usd": UsageKind.COST,
}


def count_beat(
    builder: str,
    usage: BeatUsage,
    heartbeat_id: UUID,
    sent_at: datetime,
    *,
    task: UUID | None,
    organisation: UUID | None,
) -> None:
    """Count the usage that a stored heartbeat told, once however often it is sent.

    Heartbeats that tell a cost are a session of their own: the tokens of the others are estimated.
    Raises Refused where the same heartbeat told another usage before.
    """
    is_told = usage.cost_usd is not None
    told = {field: getattr(usage, field) or 0 for field in KINDS_OF_FIELDS}
    if not is_told:
        del told["cost_usd"]
    points = [
        DataPoint(
            service="heartbeat",
            session=SESSIONS[is_told],
            source=UsageSource.HEARTBEAT,
            digest=hashlib.sha256(f"{usage.model}\0{field}".encode()).digest(),
            is_cumulative=False,
            model=usage.model,
            kind=KINDS_OF_FIELDS[field],
            part_of=None,
            started_ns=heartbeat_id.int >> 65,  # tells apart what was sent at one time
            at_ns=(sent_at - EPOCH) // timedelta(microseconds=1) * MICROSECOND,
            value=value,
        )
        for field, count in told.items()
        if (count or field == "cost_usd") and (value := stored_value(count)) is not None
    ]
    if not points:
        return
    before = UsagePoint.objects.filter(
        usage_series__usage_session__builder=builder,
        usage_series__usage_session__service=service_of(points[0].service, organisation),
        usage_series__usage_session__session=SESSIONS[not is_told],
        started_ns=points[0].started_ns,
        at_ns=points[0].at_ns,
    )
    if before.exists() or (
        count_points(builder, points, task=task, organisation=organisation).differing
    ):
        raise Refused("heartbeat_id_used_once", actions.HEARTBEAT_RULES["heartbeat_id_used_once"])
