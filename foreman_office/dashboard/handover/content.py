"""What a handover says, by program: bounded, with how much there is and where the rest stands."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, Sum
from django.urls import reverse
from django.utils.timezone import localtime, now

from builders.models import UsageArrival, UsageHour, UsageKind
from foreman_office.dashboard.evidence.sentences import EvidenceEntry, action_words, describe
from foreman_office.dashboard.explain.impact import program_of
from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.handover.span import (
    DECIDED,
    STILL,
    TITLES,
    SpanRow,
    between,
    programs_of,
    read_span,
    sort_rows,
    told_between,
)
from foreman_office.dashboard.inbox.inbox_cards import list_decisions, read_builders
from foreman_office.dashboard.inbox.pending_decisions import COUNTED, count_pending
from foreman_office.dashboard.spend.figures import SUMS
from foreman_office.dashboard.templatetags.explain import UNWELL, why_url
from governance.models import Evidence, Notice
from governance.record_places import Place
from kit.web.templatetags.numbers import some
from programs.models import Program

SHOWN = 6  # lines of a section
PROGRAMS_SHOWN = 12
TOLD = 500  # entries of the office log that are read
WAITS = "waits"
HOUR = timedelta(hours=1)
PROGRAM = "task__wave__program"  # of an hour's usage
LATE = {
    "told": Sum("amount", filter=Q(usage_hour__kind=UsageKind.COST), default=0),
    "estimated": Sum("estimate", filter=Q(usage_hour__usage_session__cost_from=0), default=0),
}


@dataclass(frozen=True)
class HandoverLine:
    """One line: what it is about, what happened to it, who did it and when, and who has it."""

    look: str
    name: str
    address: str
    what: str
    detail: str = ""
    by: str = ""
    at: datetime | None = None
    problem: OpenProblem | None = None
    why: str = ""  # the address of the derivation, of what is not well

    @property
    def who(self) -> list[str]:
        """Return who has it, to whom it is assigned, and who put it off until when."""
        notice = self.problem.notice if self.problem else None
        if notice is None:
            return []
        said = [f"{notice.acknowledged_by} has it"] if notice.acknowledged_by else []
        said += [f"assigned to {notice.assigned_to}"] if notice.assigned_to else []
        if self.problem and self.problem.snoozed:
            until = notice.snoozed_until
            when = f"{localtime(until):%Y-%m-%d %H:%M %Z}" if until else "it gets worse"
            said.append(f"snoozed by {notice.snoozed_by} until {when}")
        return said


@dataclass
class HandoverSection:
    name: str
    title: str
    count: int
    lines: list[HandoverLine]
    rest: str  # the address of all of them

    @property
    def bounded(self) -> str:
        """Return how many are shown of how many, where not all are: "6 of 340"."""
        return f"{len(self.lines)} of {self.count:,}" if len(self.lines) < self.count else ""


@dataclass
class ProgramHandover:
    """What is handed over of a program; without one, of builders and of what was deleted."""

    program: Program | None
    sections: list[HandoverSection]
    cost: Any = 0

    def __str__(self) -> str:
        return str(self.program or "Builders and the office")

    @property
    def weight(self) -> tuple[int, int]:
        """Return the sort key: where most is still wrong, then where most happened."""
        counts = {section.name: section.count for section in self.sections}
        return counts.get(STILL, 0), sum(counts.values())


@dataclass
class Handover:
    since: Place
    until: Place
    parts: list[ProgramHandover]
    more_programs: int  # that have something, and are not shown
    totals: list[tuple[str, int]]
    records: int  # of evidence between the places, those in no section too
    cost: Any
    is_cut: bool  # there is more beyond its end
    as_of: datetime = field(default_factory=now)

    @property
    def words(self) -> str:
        """Return how much there is of each section: "12 records. Was decided: 3."."""
        said = ", ".join(f"{title.lower()}: {number:,}" for title, number in self.totals)
        return f"{some(self.records, 'record')}{f'; {said}' if said else ''}."


def tell_handover(since: Place, until: Place, *, is_cut: bool) -> Handover:
    """Return what happened between two places, and what waits now."""
    rows = read_span(since, until)
    programs = programs_of(rows)
    sorted_rows = sort_rows(rows)
    told = _told_in_office(since, until)
    problems = waiting_decisions()
    still = {row.key for row in sorted_rows.get(STILL, ())}
    by_program: dict[UUID | None, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for section, found in sorted_rows.items():
        for row in found:
            by_program[programs.get(row.entity_id)][section].append(row)
    for program, line in told:
        by_program[program][DECIDED].append(line)
    for key, problem in problems.items():
        if key not in still:
            by_program[program_of(problem.entity)][WAITS].append(problem)
    costs = costs_of(since, until)
    for key in costs:
        by_program[key]  # a program that only cost something is listed too
    parts = sorted(
        (_part(key, found, costs) for key, found in by_program.items()),
        key=lambda part: part.weight,
        reverse=True,
    )
    shown = parts[:PROGRAMS_SHOWN]
    _fill(shown, problems)
    return Handover(
        since,
        until,
        shown,
        len(parts) - len(shown),
        _totals(parts),
        between(since, until).count(),
        sum(costs.values()),
        is_cut,
    )


def _part(
    key: UUID | None, found: dict[str, list[Any]], costs: dict[UUID | None, Any]
) -> ProgramHandover:
    sections = []
    for name, title in {**TITLES, WAITS: "Waits"}.items():
        if rows := found.get(name):
            newest = rows[::-1] if name != WAITS else rows
            sections.append(
                HandoverSection(name, title, len(rows), newest[:SHOWN], _rest(name, key))
            )
    program = Program(pk=key) if key else None
    return ProgramHandover(program, sections, costs.get(key, 0))


def _rest(section: str, program: UUID | None) -> str:
    asked = {"program": str(program)} if program else {}
    listed = reverse("decisions" if section == WAITS else "governance:evidence_list")
    asked |= {"snoozed": "all"} if section == WAITS else {}
    return f"{listed}?{urlencode(asked)}" if asked else listed


def _totals(parts: Iterable[ProgramHandover]) -> list[tuple[str, int]]:
    counts: dict[str, int] = defaultdict(int)
    for part in parts:
        for section in part.sections:
            counts[section.title] += section.count
    titles = [*TITLES.values(), "Waits"]
    return [(title, counts[title]) for title in titles if counts[title]]


def _fill(parts: list[ProgramHandover], problems: dict[str, OpenProblem]) -> None:
    """Read the programs and the records that are shown, and say each in a line."""
    keys = [part.program.pk for part in parts if part.program]
    named = Program.objects.in_bulk(keys)
    shown = [
        line
        for part in parts
        for section in part.sections
        for line in section.lines
        if isinstance(line, SpanRow)
    ]
    found = Evidence.objects.filter(sequence__in=[row.sequence for row in shown])
    entries = {entry.row.sequence: entry for entry in describe(found)}

    def line_of(row: Any) -> HandoverLine:
        if isinstance(row, SpanRow):
            return _line_of_evidence(entries[row.sequence], problems.get(row.key))
        return row if isinstance(row, HandoverLine) else _line_of_problem(row)

    for part in parts:
        part.program = named.get(part.program.pk) if part.program else None
        for section in part.sections:
            section.lines = [line_of(row) for row in section.lines]


def _line_of_evidence(entry: EvidenceEntry, problem: OpenProblem | None) -> HandoverLine:
    address = entry.entity.get_absolute_url() if entry.entity else ""  # type: ignore[attr-defined]
    return HandoverLine(
        entry.look,
        entry.entity_name,
        address,
        entry.what,
        entry.detail,
        entry.by,
        entry.row.timestamp,
        problem,
        why=_why(entry.entity, entry.look),
    )


def _line_of_problem(problem: OpenProblem) -> HandoverLine:
    return HandoverLine(
        problem.look,
        str(problem.entity or problem.title),
        reverse("decision", args=[problem.key]),
        problem.title,
        problem.happened,
        at=problem.since,
        problem=problem,
        why=_why(problem.entity, problem.look),
    )


def _why(entity: Any, look: str) -> str:
    """Return the address of the derivation of what is not well; of the rest none."""
    return why_url(entity) if entity and look in UNWELL else ""


def _told_in_office(since: Place, until: Place) -> list[tuple[UUID | None, HandoverLine]]:
    """Return what people noted of decisions: who has them, put them off or assigned them."""
    entries = list(told_between(since, until).order_by("-sequence")[:TOLD])[::-1]
    keys = [entry.context.get("decision", "") for entry in entries]
    rows = Notice.objects.filter(key__in=keys).order_by("opened_at") if keys else []
    programs = {notice.key: notice.program_id for notice in rows}
    return [
        (
            programs.get(key),
            HandoverLine(
                "planned",
                entry.subject_name,
                reverse("decision", args=[key]) if key else "",
                action_words(entry.action),
                " ".join(
                    str(entry.context[name]) for name in ("to", "until") if entry.context.get(name)
                ),
                entry.username or entry.actor,
                entry.timestamp,
            ),
        )
        for key, entry in zip(keys, entries, strict=True)
    ]


def waiting_decisions() -> dict[str, OpenProblem]:
    """Return what is broken or waits now by its key, the highest impact first."""
    found = list_decisions(count_pending(COUNTED), read_builders(), weighed=COUNTED)
    return {problem.key: problem for problem in found}


def costs_of(since: Place, until: Place) -> dict[UUID | None, Any]:
    """Return what work cost in US dollars, by program, in the full hours between two places.

    Usage is counted by the hour in which the office received it: the hour in which a handover ends
    belongs to the next one, and so does what comes later of an hour that this one tells.
    """
    begin, end = (hour_of(place) for place in (since, until))
    spent = {name: SUMS[name] for name in ("told", "estimated")}
    within = UsageHour.objects.counted().filter(hour__gte=begin, hour__lt=end).order_by()
    costs: Counter[UUID | None] = Counter()
    for program, told, estimated in within.values_list(PROGRAM).annotate(**spent):
        costs[program] += told + estimated
    late = UsageArrival.objects.filter(usage_hour__in=UsageHour.objects.counted()).order_by()
    for came, sign in (
        (late.filter(usage_hour__hour__lt=begin, received_hour__range=(begin, end - HOUR)), 1),
        (late.filter(usage_hour__hour__range=(begin, end - HOUR), received_hour__gte=end), -1),
    ):
        for program, told, estimated in came.values_list(f"usage_hour__{PROGRAM}").annotate(**LATE):
            costs[program] += sign * (told + estimated)
    return {program: cost for program, cost in costs.items() if cost}


def hour_of(place: Place) -> datetime:
    """Return the hour of the last record of a place."""
    last = Evidence.objects.filter(Q(sequence__lte=place.evidence.upto)).order_by("-sequence")
    moment: datetime | None = last.values_list("timestamp", flat=True).first()
    return (moment or datetime.fromisoformat("1970-01-01T00:00Z")).replace(
        minute=0, second=0, microsecond=0
    )
