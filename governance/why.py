"""The derivation of a state: the conditions, the rows behind them, since when, what would turn it.

Nothing of it is stored: the gates are asked, and what they read is shown beside their answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Model
from django.urls import reverse
from django.utils.timezone import localtime

from builders.models import Builder, Verdict
from foreman_office.kit.decide import Offer
from governance.costs import some
from governance.gates import Condition, NextMove, next_move
from governance.models import Blocker, Evidence, GovernanceViolation, QAExecution
from governance.offers import offer_resolution
from governance.quality import latest_run
from programs.models import Program, State, Task, Wave


class Row(NamedTuple):
    """A row behind a condition: in words, and where it is shown."""

    words: str
    address: str


class Reason(NamedTuple):
    """A condition with the rows that it was drawn from."""

    condition: Condition
    rows: list[Row]


class Change(NamedTuple):
    """One thing that has to happen; `rules` are the conditions that it meets."""

    words: str
    address: str
    rules: frozenset[str]


@dataclass
class Derivation:
    entity: Any
    look: str
    since: datetime | None
    evidence: Evidence | None
    move: NextMove | None = None
    reasons: list[Reason] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    blockers: list[Blocker] = field(default_factory=list)
    violations: list[GovernanceViolation] = field(default_factory=list)

    @cached_property
    def run(self) -> QAExecution | None:
        """The latest run of a task's suite, which many conditions speak of."""
        return latest_run(self.entity)

    @property
    def resolutions(self) -> list[Offer]:
        return [offer_resolution(row) for row in [*self.violations, *self.blockers]]


def derive(entity: Any) -> Derivation:
    """Derive why a program, wave, task or builder is as it is, and what would turn it."""
    if isinstance(entity, Builder):
        return _builder(entity)
    evidence = came_to_be(entity)
    move = next_move(entity)
    found = Derivation(
        entity,
        entity.state,
        evidence.timestamp if evidence else entity.updated_at,
        evidence,
        move,
        blockers=list(Blocker.objects.open().of(entity).order_by("detected_at")),
    )
    if isinstance(entity, Task):
        unresolved = GovernanceViolation.objects.unresolved().filter(task=entity)
        found.violations = list(unresolved.order_by("detected_at"))
    if move:
        found.reasons = [
            Reason(condition, rows_behind(condition.rule, entity, found))
            for condition in move.conditions
        ]
        found.changes = smallest_changes(move.unmet, entity, found)
        if not found.changes:
            words = f"Nothing stands in the way: it can be {move.verb}."
            found.changes = [Change(words, entity.get_absolute_url(), frozenset())]
    return found


def came_to_be(entity: Model) -> Evidence | None:
    """Return the act by which an entity came into its state."""
    return (
        Evidence.objects.of(entity)
        .filter(witnessed=True, action="state_changed", context__to=entity.state)
        .order_by("-sequence")
        .first()
    )


def overrides_of(entity: Model) -> list[Evidence]:
    """Return every act by which something about an entity was forced, newest first."""
    forced = Evidence.objects.of(entity).filter(context__has_key="override")
    return list(forced.order_by("-sequence")[:20])


# --- the rows behind a condition -----------------------------------------------------------------


def rows_behind(rule: str, entity: Any, found: Derivation) -> list[Row]:
    """Return the rows that a condition was drawn from."""
    here = entity.get_absolute_url()
    match rule:
        case "no_open_blocker" | "returns_to_where_it_was":
            return [
                Row(f"{row.get_classification_display()}: {row.description}", f"{here}#trouble")
                for row in found.blockers
                if rule == "no_open_blocker"
            ]
        case "no_unresolved_violation":
            return [
                Row(f"{row.violation_type}: {row.description}", f"{here}#trouble")
                for row in found.violations
            ]
        case "dependencies_completed":
            return named(entity_waves(entity))
        case "program_in_progress":
            return [link_to(program_over(entity))]
        case "wave_in_progress":
            return [link_to(entity.wave)]
        case "tasks_completed":
            return named(entity.tasks.exclude(state=State.COMPLETED).order_by("name")[:10])
        case "waves_completed":
            return named(entity.waves.exclude(state=State.COMPLETED)[:10])
        case "has_waves" | "waves_have_tasks" | "dependencies_acyclic":
            return named(entity.waves.filter(tasks=None)[:10] if rule == "waves_have_tasks" else [])
        case "architecture_ready":
            latest = entity.validations.order_by("-validated_at").first()
            return [Row(f"Validation: {latest}", f"{here}#validations")] if latest else []
        case "suite_red" | "suite_green" | "no_debt" | "run_newer_than_work" | "goalposts_stand":
            run = found.run
            return (
                [Row(f"Run of {localtime(run.executed_at):%H:%M:%S %Z}", f"{here}#runs")]
                if run
                else []
            )
        case "builder_idle" if entity.assigned_builder:
            return [Row(entity.assigned_builder, why_address("builder", entity.assigned_builder))]
    return []


def entity_waves(wave: Wave) -> Iterable[Wave]:
    return Wave.objects.filter(pk__in=wave.dependency_ids).order_by("sequence_number")


def link_to(row: Any) -> Row:
    return Row(str(row), row.get_absolute_url())


def named(rows: Iterable[Any]) -> list[Row]:
    return [
        Row(f"{row} ({row.get_state_display().lower()})", row.get_absolute_url()) for row in rows
    ]


def program_over(entity: Wave | Task) -> Program:
    return entity.program if isinstance(entity, Wave) else entity.wave.program


def clock(moment: datetime) -> str:
    return localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z")


def why_address(kind: str, pk: Any) -> str:
    return reverse("governance:why", args=[kind, pk])


# --- what would turn it --------------------------------------------------------------------------


def smallest_changes(unmet: Iterable[Condition], entity: Any, found: Derivation) -> list[Change]:
    """Return the fewest changes that meet what is unmet: one change may meet several conditions."""
    rules = {condition.rule for condition in unmet}
    details = {condition.rule: condition.detail for condition in unmet}
    here = entity.get_absolute_url()
    changes: list[Change] = []

    def change(words: str, address: str, *meets: str) -> None:
        changes.append(Change(words, address, frozenset(meets) & rules))

    own = [row for row in found.blockers if not spoken_for(row, found.violations)]
    spoken = "no_open_blocker" in rules and not own
    if "no_unresolved_violation" in rules or spoken:
        meets = ["no_unresolved_violation", *(["no_open_blocker"] if spoken else [])]
        number = some(len(found.violations), "violation")
        change(f"Resolve {number}.", f"{here}#trouble", *meets)
    if "no_open_blocker" in rules and own:
        change(f"Resolve {some(len(own), 'blocker')}.", f"{here}#trouble", "no_open_blocker")
    if "program_in_progress" in rules:
        program = program_over(entity)
        verb = {"planned": "Approve", "blocked": "Unblock"}.get(program.state, "Take up again")
        change(f"{verb} “{program}”.", why_address("program", program.pk), "program_in_progress")
    if "wave_in_progress" in rules:
        verb = {"planned": "Start", "blocked": "Unblock"}.get(entity.wave.state, "Take up again")
        address = why_address("wave", entity.wave.pk)
        change(f"{verb} “{entity.wave}”.", address, "wave_in_progress")
    if "dependencies_completed" in rules:
        for wave in entity_waves(entity).exclude(state=State.COMPLETED):
            change(
                f"Complete “{wave}” first.", why_address("wave", wave.pk), "dependencies_completed"
            )
    if "architecture_ready" in rules:
        reference = entity.architecture_reference
        words = (
            f"Validate {reference} with every item passed."
            if reference
            else ("Name the architecture of the task, and validate it.")
        )
        change(words, f"{here}#validations", "architecture_ready")
    if "suite_red" in rules:
        suite = entity.qa_suite_location
        words = (
            f"Record a run of {suite} with a failing test and none skipped."
            if suite
            else ("Name the suite of the task, and record a red run of it.")
        )
        change(words, f"{here}#runs", "suite_red")
    if green := rules & {"suite_green", "no_debt", "run_newer_than_work", "goalposts_stand"}:
        change(green_run(entity, details, green), f"{here}#runs", *green)
    if "evidence_given" in rules:
        change("Say where the evidence is.", here, "evidence_given")
    if "builder_idle" in rules:
        address = why_address("builder", entity.assigned_builder)
        words = f"Let {entity.assigned_builder} finish what it holds, or choose another builder."
        change(words, address, "builder_idle")
    if "tasks_completed" in rules:
        has_tasks = entity.tasks.exists()
        words = (
            "Complete the other tasks of the wave."
            if has_tasks
            else "Add a task to the wave, or delete it."
        )
        change(words, here, "tasks_completed")
    for rule, words in (
        ("has_waves", "Add a wave, with a task in it."),
        ("waves_have_tasks", f"Add a task to each wave. {details.get('waves_have_tasks', '')}"),
        ("dependencies_acyclic", "Break the circle of waves that wait for each other."),
        ("waves_completed", "Complete the other waves of the program."),
    ):
        if rule in rules:
            change(words, here, rule)
    return changes


def spoken_for(blocker: Blocker, violations: list[GovernanceViolation]) -> bool:
    """Tell whether resolving the violations resolves this blocker too."""
    return bool(violations) and blocker.classification == "constitutional_violation"


def green_run(task: Task, details: dict[str, str], unmet: set[str]) -> str:
    """Say which one run would meet every condition that speaks of a run."""
    suite = task.qa_suite_location
    if not suite:
        return "Name the suite of the task, and record a green run of it."
    words = f"Record a green run of {suite}"
    if task.worked_at:
        words += f" newer than {clock(task.worked_at)}"
    if "goalposts_stand" in unmet:
        words += f", with what is missing in it again ({details['goalposts_stand'].rstrip('.')})"
    return f"{words}."


# --- builders ------------------------------------------------------------------------------------


def _builder(builder: Any) -> Derivation:
    """Derive a builder's verdict from its beats, its task and its pauses."""
    threshold = settings.FOREMAN_SILENCE_THRESHOLD_SECONDS
    task, verdict = builder.current_task, builder.verdict
    beats = builder.get_absolute_url()
    quiet = verdict == Verdict.SILENT
    heard = f"Last heard {clock(builder.pulse)}." if builder.pulse else "Never heard from."
    tokens = builder.tokens.valid().count()
    reasons = [
        Reason(Condition("may_report", tokens > 0, f"Valid tokens: {tokens}."), []),
        Reason(
            Condition("heard", not quiet, f"{heard} The threshold is {threshold} s."),
            [Row("Its heartbeats", f"{beats}#heard")],
        ),
        Reason(
            Condition(
                "gets_on",
                verdict != Verdict.SPINNING,
                f"The last progress that counts: {clock(builder.progressed_at)}."
                if builder.progressed_at
                else "It has no task in hand.",
            ),
            named([task]) if task else [],
        ),
        Reason(
            Condition(
                "not_waiting",
                verdict != Verdict.WAITING,
                "It says of itself that it is blocked."
                if verdict == Verdict.WAITING
                else "It does not say that it is blocked.",
            ),
            [],
        ),
    ]
    changes = {
        Verdict.SILENT: [
            f"A heartbeat of {builder} ends its silence by itself.",
            "Or: take the task back, so that another builder may have it." if task else "",
        ],
        Verdict.SPINNING: [
            "A heartbeat with other progress, or a run in which more tests pass than before.",
            "Or: send the task back.",
        ],
        Verdict.WAITING: ["Resolve what it waits for; its next heartbeat says that it goes on."],
    }.get(verdict, [])
    where = task.get_absolute_url() if task else beats
    turned = [Change(words, where, frozenset()) for words in changes if words]
    if not tokens:
        words = "Issue a token to it: without one it cannot report."
        turned.append(Change(words, f"{beats}#tokens", frozenset({"may_report"})))
    return Derivation(
        builder,
        verdict,
        builder.verdict_since,
        None,
        reasons=reasons,
        changes=turned,
        blockers=list(Blocker.objects.open().of(task).order_by("detected_at")) if task else [],
    )
