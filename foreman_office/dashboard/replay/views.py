"""The replay of a night: one strip of the five builders, and every act in its order."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from builders.models import Heartbeat
from foreman_office.dashboard.inbox.last_visit import last_visit
from foreman_office.dashboard.replay.events import OFFICE, ReplayEvent, ReplayPart, events_in
from foreman_office.dashboard.replay.forms import LONGEST, ReplayForm
from foreman_office.dashboard.replay.lanes import Lane, draw_lanes, held_tasks
from governance.handover import LastReading
from governance.models import Evidence
from kit.core.roles import reads
from kit.web.htmx import render_page
from kit.web.snapshot import one_snapshot
from kit.web.time_axis import TimeAxis, TimeSpan


@dataclass(frozen=True)
class ReplayStrip:
    """The five lanes on one axis, with what happened; what concerns no builder is the office's."""

    span: TimeSpan
    axis: TimeAxis
    lanes: list[Lane]
    part: ReplayPart

    @property
    def office(self) -> list[ReplayEvent]:
        return [event for event in self.part.events if event.lane == OFFICE]

    @property
    def next_part(self) -> str:
        """Return the address of the rest, where the span has more events than are told."""
        return address_of_replay(self.part.goes_on, self.span.end) if self.part.goes_on else ""


def address_of_replay(start: datetime, end: datetime) -> str:
    return f"?{urlencode({'from': start.isoformat(), 'to': end.isoformat()})}"


def draw_strip_of(span: TimeSpan) -> ReplayStrip:
    axis = TimeAxis(*span)
    held = held_tasks(span)
    part, lanes = events_in(span, axis, held), draw_lanes(span, axis, held)
    for lane in lanes:
        lane.marks = [event for event in part.events if event.lane == lane.builder]
    return ReplayStrip(span, axis, lanes, part)


def usual_start(reading: LastReading) -> datetime:
    """Return where a replay begins: where the handover was read, else where the last day has signs.

    Of an office that opened an hour ago, the day before it is an empty strip.
    """
    if reading.known_by == "read":
        return reading.since
    signs = (
        rows.filter(timestamp__gte=reading.since).order_by("timestamp").values_list("timestamp")[:1]
        for rows in (Evidence.objects.all(), Heartbeat.objects.all())
    )
    return min((moment for found in signs for (moment,) in found), default=reading.since)


@reads
@one_snapshot
def replayed_span(request: HttpRequest) -> HttpResponseBase:
    """Show what happened in a span, by default since the last handover that was read."""
    form = ReplayForm(request.GET, usual_start(last_visit(request)))
    is_right = form.is_valid()
    strip = draw_strip_of(form.span) if is_right else None
    context = {
        "form": form.filled_in() if is_right else form,
        "strip": strip,
        "longest": LONGEST.days,
    }
    response = render_page(request, "replay/replay.html", context)
    response.status_code = 200 if is_right else 422
    return response
