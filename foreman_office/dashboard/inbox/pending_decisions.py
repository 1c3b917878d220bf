"""The number of pending decisions of each kind, for the inbox and for the frame of every page.

All of them are one query, so the cards and the count agree.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple
from zlib import crc32

from django.db.models import Case, Expression, F, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast
from django.http import HttpRequest

from builders.models import silence_threshold
from foreman_office.dashboard.explain import pending
from governance.models import Classification, Notice, Watcher
from kit.core import prepared_query
from kit.web.templatetags.numbers import some
from programs.models import State


class DecisionKind(NamedTuple):
    """A kind of pending decision: its words for one and for many, and the tone of its mark.

    What is broken now has a `headline` too: what there is, what is wrong with one, and with many.
    """

    one: str
    many: str
    tone: str
    headline: tuple[str, ...] = ()

    @property
    def broken(self) -> bool:
        return bool(self.headline)


KINDS = {
    # Broken now.
    "silent": DecisionKind("silent builder", "silent builders", "failed", ("builder", "silent")),
    "stall": DecisionKind("builder stall", "builder stalls", "failed", ("builder", "stalled")),
    "idle": DecisionKind(
        "builder not on its task",
        "builders not on their task",
        "failed",
        ("builder", "not on its task", "not on their task"),
    ),
    "violation": DecisionKind("violation", "violations", "failed", ("violation", "unresolved")),
    "delivery": DecisionKind(
        "addressee without messages",
        "addressees without messages",
        "failed",
        ("addressee", "not reached by messages"),
    ),
    # Waiting for a decision.
    "failed": DecisionKind("failed attempt", "failed attempts", "failed"),
    "spinning": DecisionKind("spinning builder", "spinning builders", "blocked"),
    "waiting": DecisionKind("builder that waits", "builders that wait", "blocked"),
    "question": DecisionKind("question of a builder", "questions of builders", "blocked"),
    "budget": DecisionKind("spent budget", "spent budgets", "blocked"),
    "spending": DecisionKind("budget nearly spent", "budgets nearly spent", "blocked"),
    "blocker": DecisionKind("blocker", "blockers", "blocked"),
    "blocked": DecisionKind(
        "blocked item without a reason", "blocked items without a reason", "blocked"
    ),
    "claim": DecisionKind("refused claim", "refused claims", "blocked"),
    "ahead": DecisionKind(
        "wave ahead of a dependency", "waves ahead of their dependencies", "blocked"
    ),
    "plan": DecisionKind("plan to approve", "plans to approve", "blocked"),
    "wave": DecisionKind("wave to start", "waves to start", "blocked"),
    "staff": DecisionKind("wave with tasks to assign", "waves with tasks to assign", "blocked"),
    "late": DecisionKind("program with late work", "programs with late work", "blocked"),
    "stuck": DecisionKind("wave that is not ready", "waves that are not ready", "blocked"),
}
BROKEN = frozenset(name for name, kind in KINDS.items() if kind.broken)
SNOOZED = "snoozed"  # the place of notices in the query of what is pending
COUNTED = 100  # how far each set is counted: beyond, the exact number is of no use


@dataclass(frozen=True)
class PendingCounts:
    """The number and the ids of each kind; `bounded` where there are more than are counted."""

    counts: Counter[str]
    bounded: bool = False
    # Short keys, by which a page finds which of them are new; none where not all were read.
    keys: Mapping[str, list[str]] = field(default_factory=dict)
    # The keys of each set's rows: of more than are counted, those that have waited longest.
    rows: Mapping[str, list[str]] = field(default_factory=dict)
    # How many of each kind are noted as snoozed.
    snoozed: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Return the number of what is broken, and of what waits and is not snoozed."""
        return self.broken + self.waiting

    def __bool__(self) -> bool:
        return bool(self.total)

    def __str__(self) -> str:
        return f"{self.total}{'+' if self.bounded else ''}"

    @property
    def broken(self) -> int:
        return sum(self.counts[kind] for kind in BROKEN)

    @property
    def waiting(self) -> int:
        awake = (
            number - min(number, self.snoozed[kind])
            for kind, number in self.counts.items()
            if kind not in BROKEN
        )
        return sum(awake)

    @property
    def is_snoozed(self) -> bool:
        """Return whether what waits is more than what is not snoozed."""
        return self.counts.total() > self.total

    @property
    def broken_words(self) -> str:
        """Return what is broken now: "4 builders silent (1 snoozed), 1 violation unresolved"."""
        return ", ".join(
            f"{some(number, kind.headline[0])} {kind.headline[1 if number == 1 else -1]}"
            f"{self._snoozed_words(name)}"
            for name, kind in KINDS.items()
            if kind.broken and (number := self.counts[name])
        )

    def _snoozed_words(self, kind: str) -> str:
        number = min(self.counts[kind], self.snoozed[kind])
        return f" ({number} snoozed)" if number else ""

    @property
    def worst(self) -> str:
        """Return the tone of the worst kind that is pending; that of a completed state for none."""
        tones = {KINDS[kind].tone for kind in self.counts}
        return next((tone for tone in ("failed", "blocked") if tone in tones), "done")

    @property
    def words(self) -> list[tuple[str, str, int, list[str] | None]]:
        """Return each pending kind: its words for one and for many, how many, and which."""
        return [
            (kind.one, kind.many, number, self.keys.get(key))
            for key, kind in KINDS.items()
            if (number := self.counts[key])
        ]


def count_pending(limit: int | None = None) -> PendingCounts:
    """Return and count what is pending, in one query; each kind up to `limit` rows."""
    counted = COUNTED if limit is None else limit
    told = prepared_query.fetch(_question(counted, silence_threshold()))
    found = [each for each in told if each[0] != SNOOZED]
    rows, keys = defaultdict(list), defaultdict(list)
    for place, _, key in found:
        rows[place].append(key)
    cut_short = {kind for place, kind, _ in found if len(rows[place]) > counted}
    for _, kind, key in found:
        if kind not in cut_short:
            keys[kind].append(f"{crc32(key.encode()):x}")
    return PendingCounts(
        Counter(kind for _, kind, _ in found),
        bounded=bool(cut_short),
        keys={kind: sorted(names) for kind, names in keys.items()},
        rows=rows,
        snoozed=Counter(kind for place, kind, _ in told if place == SNOOZED),
    )


@cache
def _question(counted: int, threshold: timedelta) -> str:
    """Return the query, built once per process: every page runs it, and it is long."""
    unwell = Case(When(state=State.FAILED, then=Value("failed")), default=Value("blocked"))
    standstill = Case(When(verdict="waiting", then=Value("waiting")), default=Value("spinning"))
    spent = Case(When(spent__gte=F("amount"), then=Value("budget")), default=Value("spending"))
    blockers, stall = pending.open_blockers(), Q(classification=Classification.BUILDER_STALL)
    sets: list[tuple[str, QuerySet[Any], str, Expression]] = [
        ("silent", pending.silent_builders(), "pk", Value("silent")),
        ("idle", pending.builders_off_their_task(), "pk", Value("idle")),
        ("standstill", pending.builders_at_a_standstill(), "pk", standstill),
        ("stall", blockers.filter(stall), "detected_at", Value("stall")),
        ("blocker", blockers.exclude(stall), "detected_at", Value("blocker")),
        ("violation", pending.unresolved_violations(), "detected_at", Value("violation")),
        ("claim", pending.refused_claims(), "claimed_at", Value("claim")),
        ("delivery", pending.given_up_deliveries(), "queued_at", Value("delivery")),
        ("question", pending.open_questions(), "asked_at", Value("question")),
        ("budget", pending.budgets_nearly_spent(), "set_at", spent),
        ("ahead", pending.waves_ahead(), "updated_at", Value("ahead")),
        ("plan", pending.plans_to_approve(), "created_at", Value("plan")),
        ("wave", pending.waves_to_start(), "updated_at", Value("wave")),
        ("staff", pending.waves_to_staff(), "updated_at", Value("staff")),
        ("stuck", pending.waves_not_ready(), "updated_at", Value("stuck")),
        ("late", pending.programs_with_late_work(), "created_at", Value("late")),
        ("unwell program", pending.unwell_programs(), "updated_at", unwell),
        ("unwell wave", pending.unwell_waves(), "updated_at", unwell),
        ("unwell task", pending.unwell_tasks(), "updated_at", unwell),
        (SNOOZED, Notice.objects.open().snoozed(), "opened_at", F("kind")),
    ]
    first, *others = (
        rows.order_by(since)
        .annotate(place=Value(place), is_of=kind, row_key=Cast("pk", TextField()))
        .values_list("place", "is_of", "row_key")[: counted + 1]
        for place, rows, since, kind in sets
    )
    return prepared_query.words(*first.union(*others, all=True).order_by().query.sql_with_params())


def what_waits(request: HttpRequest) -> PendingCounts:
    """Return what is pending, read once a request: the frame counts it, the inbox lists it."""
    if not hasattr(request, "pending"):
        request.pending = count_pending()  # type: ignore[attr-defined]
    return request.pending  # type: ignore[attr-defined]


def is_watched(request: HttpRequest) -> bool:
    """Return whether a watcher sweeps, read once for each request."""
    if not hasattr(request, "watched"):
        request.watched = Watcher.objects.alive().exists()  # type: ignore[attr-defined]
    return request.watched  # type: ignore[attr-defined]
