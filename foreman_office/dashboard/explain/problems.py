"""What is wrong: one record for the inbox, the list of decisions and the page of a task.

Each says what happened, why it matters, what follows if nothing is done, and what ends it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from builders.models import Builder, Question, Verdict
from foreman_office.dashboard.available_actions import (
    offer,
    offer_resolution,
    offer_to_answer,
    offers_on,
    offers_to_complete,
)
from foreman_office.dashboard.builders.queries import with_last_words, with_verdict
from foreman_office.dashboard.builders.troubles import trouble_of
from foreman_office.dashboard.evidence.sentences import lower_first, who_did
from foreman_office.dashboard.explain.impact import NOTHING, Held
from foreman_office.dashboard.explain.pending import refused_claims
from foreman_office.dashboard.explain.state import Explanation, came_to_be, derive
from foreman_office.rules import Explained, Remedy, explain, is_resolved_with
from governance.gates import Condition, state_before_block
from governance.models import (
    Blocker,
    Classification,
    CompletionClaim,
    Evidence,
    GovernanceViolation,
    Notice,
)
from kit.web.decision_forms import ActionButton, ReasonForm
from kit.web.templatetags.numbers import occurred
from programs.models import State, Task, TaskState

LOST = (State.BLOCKED, State.FAILED)


@dataclass
class OpenProblem:
    """One thing that is wrong, or that waits for a decision."""

    kind: str  # one of `inbox.pending_decisions.KINDS`
    entity: Model | None
    cause: str  # what tells it apart from others of its kind on its entity
    look: str
    title: str
    happened: str
    matters: str
    otherwise: str  # what follows if nothing is done
    remedy: str
    since: datetime
    offers: list[ActionButton] = field(default_factory=list)
    conditions: list[Explained] = field(default_factory=list)  # that are not met
    links: list[Remedy] = field(default_factory=list)  # to acts that are done elsewhere
    broken: bool = False  # now; else it waits for a decision
    held: Held = NOTHING
    idle: bool = False  # whether builders without work wait for it
    tasks: int | None = None  # how many of its tasks wait, where it is not all
    organisation: UUID | None = None  # whose it is, where it is about nothing that says it
    notice: Notice | None = None  # what the watcher has noted of it, and who has acknowledged it
    snoozed: bool = False  # until a time, or until it gets worse
    taking: list[ActionButton] = field(default_factory=list)  # on or off, and to whom

    @property
    def key(self) -> str:
        """Return a key of kind, entity and cause: the same for as long as the problem lasts."""
        about = self.entity and f"{self.entity._meta.model_name}-{self.entity.pk}"
        return "-".join(filter(None, [self.kind, about, self.cause]))

    @property
    def weight(self) -> tuple[bool, int, float]:
        """Return the sort key: what is broken first, then what holds up most, then by age."""
        return self.broken, self.held.cost, -self.since.timestamp()

    @property
    def since_seconds(self) -> float:
        return self.since.timestamp()


# --- blockers and violations ----------------------------------------------------------------------

WHY_BLOCKED = {
    Classification.ARCHITECTURE_QA_MISMATCH: "The tests and the architecture disagree; work that"
    " continues will get one of them wrong.",
    Classification.IMPOSSIBLE_REQUIREMENTS: "No implementation can meet the requirements: change"
    " the plan instead of retrying.",
    Classification.PROTECTED_PATH: "The work needs a change to a path that builders may not edit.",
    Classification.REPEATED_FAILURES: "No progress over repeated attempts; retrying is"
    " unlikely to help.",
    Classification.CONSTITUTIONAL_VIOLATION: "A governance rule was violated. Work is halted"
    " until someone reviews it.",
    Classification.BUILDER_STALL: "The builder's work is unknown, and no other builder can take"
    " the task.",
}

# What an entity cannot do until it is resolved, by its state.
HELD_BACK = {
    State.PLANNED: "It stays planned, and cannot be started.",
    TaskState.ASSIGNED: "It stays assigned, and cannot be started.",
    State.IN_PROGRESS: "It stays in progress, and cannot be completed.",
    State.BLOCKED: "It stays blocked.",
    State.COMPLETED: "It stays completed, but its work is in doubt.",
    State.FAILED: "It stays failed.",
}


def consequence(entity: Any) -> str:
    """Return what follows for an entity in its state if what holds it up is not resolved."""
    if entity is None or isinstance(entity, Builder):
        return "It stays unresolved."
    if isinstance(entity, Task) and entity.state == State.PLANNED:
        return "It stays planned, and cannot be assigned."
    return HELD_BACK[entity.state]


def violation_problem(violation: GovernanceViolation, entity: Any) -> OpenProblem:
    by = f" By {violation.builder_id}." if violation.builder_id else ""
    halted = isinstance(entity, Task) and entity.state != State.COMPLETED
    return OpenProblem(
        "violation",
        entity,
        str(violation.pk),
        "violation",
        f"Violation: {violation.violation_type}",
        f"{violation.description}{by}",
        "A rule for all work was violated; the work done meanwhile is in doubt.",
        consequence(entity),
        "Resolve the violation. The task is halted until then."
        if halted
        else "Resolve the violation.",
        violation.detected_at,
        [offer_resolution(violation)],
    )


def blocker_problem(blocker: Blocker, entity: Any, remedy: str = "") -> OpenProblem:
    stall = blocker.classification == Classification.BUILDER_STALL
    again = f" {occurred(blocker.occurrences)}" if blocker.occurrences > 1 else ""
    otherwise = consequence(entity)
    if stall and isinstance(entity, Task):
        otherwise += " A heartbeat of the builder unblocks it."
        remedy = (
            f"Wait for a heartbeat of {entity.assigned_builder}, which resolves it; or unassign the"
            " task, so that another builder can take it."
        )
    return OpenProblem(
        "stall" if stall else "blocker",
        entity,
        blocker.classification if entity else str(blocker.pk),
        "silent" if stall else "open",
        f"Blocker: {lower_first(blocker.get_classification_display())}",
        f"{blocker.description}{again}",
        WHY_BLOCKED[blocker.classification],
        otherwise,
        remedy or "Resolve the blocker.",
        blocker.detected_at,
        [offer_resolution(blocker)],
    )


# --- builders -------------------------------------------------------------------------------------


# The kind of the problem that a verdict is.
KINDS = {
    Verdict.SILENT: "silent",
    Verdict.SPINNING: "spinning",
    Verdict.WAITING: "waiting",
}


def builder_problem(builder: Any) -> OpenProblem | None:
    """Return what is wrong with a builder that has a task; None where nothing is."""
    task, trouble = builder.current_task, trouble_of(builder)
    if trouble is None:
        return None
    message = (builder.last_message or "").rstrip(".")
    words = f" Last message: “{message}”." if message else ""
    offers = [*offers_to_take_back(task)]
    if builder.verdict not in (Verdict.SPINNING, Verdict.WAITING):
        offers += offers_on(builder)
    return OpenProblem(
        KINDS.get(builder.verdict, "idle"),
        builder,
        str(task.pk),
        builder.verdict,
        trouble.title,
        trouble.happened + words,
        trouble.matters,
        trouble.otherwise,
        trouble.remedy,
        builder.verdict_since,
        offers,
    )


def offers_to_take_back(task: Task) -> Iterator[ActionButton]:
    """Return the offers that end what a builder does."""
    if task.state == TaskState.IN_PROGRESS:
        label = "Return the task to the plan"
        yield offer(task, "programs:task_send_back", label, ReasonForm)
    elif task.state in (TaskState.ASSIGNED, TaskState.BLOCKED):
        yield offer(task, "builders:task_release", "Unassign the task")


# --- claims, and what has failed ------------------------------------------------------------------


def claim_problem(claim: CompletionClaim, task: Task) -> OpenProblem:
    answers = [Condition(**answer) for answer in claim.conditions]
    unmet = [explain(answer) for answer in answers if not answer.met]
    return OpenProblem(
        "claim",
        task,
        str(claim.pk),
        "not-passed",
        "Claim of “done” refused",
        f"{claim.builder_id} claims that it is done. {len(answers) - len(unmet)} of"
        f" {len(answers)} conditions were met.",
        "A claim is no proof: the unmet conditions are the defects that a user would find.",
        "The builder continues and claims again; the task is not completed.",
        "Wait for a claim that the gate accepts, complete the task, or return it to the plan.",
        claim.claimed_at,
        [
            offer(task, "programs:task_send_back", "Return to plan", ReasonForm),
            *offers_to_complete(task),
        ],
        conditions=unmet,
    )


def question_problem(question: Question, task: Any) -> OpenProblem:
    options = ", ".join(f"“{option}”" for option in question.options)
    return OpenProblem(
        "question",
        task,
        str(question.pk),
        "waiting",
        f"Question of {question.builder_id}",
        question.question + (f" (Options: {options})" if options else ""),
        "The builder asks you to decide this.",
        "It gets no answer, and waits or decides by itself.",
        "Answer it. The builder gets the answer with its next heartbeat.",
        question.asked_at,
        [offer_to_answer(question)],
    )


def unwell_problem(
    row: Any, builders: Iterable[Any] = (), act: Evidence | None = None
) -> OpenProblem:
    """Return the problem that something has failed, or is blocked without a known reason."""
    noun = row._meta.verbose_name
    if row.state == State.FAILED:
        context = act.facts if act else {}
        reason = context.get("reason") or context.get("override")
        happened = f"Abandoned by {who_did(act)}." if act else "Abandoned."
        happened += f" “{reason}”" if reason else ""
        matters = "Nothing happens until someone reopens it."
        otherwise = "It stays failed; dependent work stays blocked."
        remedy = f"Reopen the {noun}."
    else:
        happened = "No open blocker gives a reason."
        matters = "Without a recorded reason, nothing will unblock it automatically."
        otherwise, remedy = consequence(row), f"Unblock the {noun}, or unassign it."
        if not isinstance(row, Task):
            remedy = f"Unblock the {noun}, or abandon it."
    return OpenProblem(
        str(row.state),
        row,
        "",
        row.state,
        f"{row.get_state_display()} {noun}",
        happened,
        matters,
        otherwise,
        remedy,
        # A failed attempt has an end; otherwise the last change is the nearest known.
        getattr(row, "completed_at", None) or (act.timestamp if act else row.updated_at),
        offers_on(row, builders),
    )


def parent_problem(parent: Any) -> OpenProblem:
    """Return the problem that a wave or a program holds up everything inside it."""
    act, noun = came_to_be(parent), parent._meta.verbose_name
    return OpenProblem(
        f"above-{parent.state}",
        parent,
        "",
        parent.state,
        f"Its {noun} is {parent.state}",
        f"Nothing inside “{parent}” can be started or completed.",
        "",
        consequence(parent),
        f"{'Unblock' if parent.state == State.BLOCKED else 'Reopen'} the {noun}.",
        act.timestamp if act else parent.updated_at,
    )


# --- of one task ----------------------------------------------------------------------------------


def problems_of(task: Task) -> list[OpenProblem]:
    """Return what is wrong with a task, the gravest first; found once for each time it is read."""
    if not hasattr(task, "problems"):
        task.problems = [*_problems(task)]  # type: ignore[attr-defined]
    return task.problems  # type: ignore[attr-defined]


def explanation_of_task(task: Task) -> Explanation:
    """Derive a task's state, once for each time it is read."""
    if not hasattr(task, "derivation"):
        task.derivation = derive(task)  # type: ignore[attr-defined]
    return task.derivation  # type: ignore[attr-defined]


def _problems(task: Task) -> Iterator[OpenProblem]:
    found = explanation_of_task(task)
    yield from (violation_problem(violation, task) for violation in found.violations)
    if task.state == State.COMPLETED:
        return
    blockers = [row for row in found.blockers if not is_resolved_with(row, found.violations)]
    remedy = _end_of_blockers(task, blockers)
    yield from (blocker_problem(blocker, task, remedy) for blocker in blockers)
    questions = list(Question.objects.open().filter(task=task).order_by("asked_at"))
    yield from (question_problem(question, task) for question in questions)
    if all(row.classification != Classification.BUILDER_STALL for row in blockers):
        yield from _holder(task, asks=bool(questions))
    yield from (claim_problem(claim, task) for claim in refused_claims().filter(task=task))
    lost = task.state == State.BLOCKED and not (found.violations or blockers)
    if lost or task.state == State.FAILED:
        problem = unwell_problem(task, act=found.evidence)
        problem.offers = []  # they stand below all problems of the page
        yield problem
    yield from (parent_problem(row) for row in (task.wave, task.wave.program) if row.state in LOST)


def _end_of_blockers(task: Task, blockers: list[Blocker]) -> str:
    if not blockers:
        return ""
    before = state_before_block(task) if task.state == State.BLOCKED else task.state
    which = "the blocker" if len(blockers) == 1 else "all blockers"
    return f"Resolve {which}. The task is then {before.replace('-', ' ')} again."


def _holder(task: Task, *, asks: bool) -> Iterator[OpenProblem]:
    builder: Any = with_last_words(with_verdict()).filter(current_task=task).first()
    if builder is None or (asks and builder.verdict == Verdict.WAITING):
        return
    problem = builder_problem(builder)
    if problem:
        problem.offers = [each for each in problem.offers if each.about == str(builder)]
        yield problem
