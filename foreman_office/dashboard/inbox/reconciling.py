"""Keep the notices as the decisions of the inbox are, and queue what became due.

The watcher does so in each sweep, in one transaction: what is noted is told, and what is told was
noted, whatever ends the process in between.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now

from builders.models import Builder
from foreman_office.access.organisations import OFFICE_ITSELF
from foreman_office.dashboard.explain.impact import program_of
from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.inbox.acknowledgements import is_worse
from foreman_office.dashboard.inbox.inbox_cards import finish, list_decisions, read_builders
from foreman_office.dashboard.inbox.pending_decisions import PendingCounts, count_pending
from foreman_office.notifications.due import queue_due_messages
from foreman_office.notifications.queue import database_now, take_up_stalled
from foreman_office.notifications.wording import NOTED
from governance.models import Notice
from kit.runtime.database.members import as_office
from programs.models import Program

FLAPPING = timedelta(minutes=20)  # what comes again within it is the same notice
WHOLE_EVERY = 60  # seconds until notices are compared though the same decisions are pending
TURN = 0x666F6E6F  # of the advisory lock: one process at a time
# What of a notice follows the decision while it is open.
FOLLOWS = ("broken", "title", "entity_name", "program_id", "happened", "impact_words")
FOLLOWS += ("otherwise", "remedy")


class Reconciling:
    """What a watcher does after each sweep. It remembers what it last compared."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.seen: Any = None
        self.whole_at = 0.0

    def __call__(self) -> None:
        with transaction.atomic():
            if not takes_turn():
                return
            due = count_pending(NOTED)
            seen = sorted(due.counts.items()), sorted(due.rows.items())
            is_due = time.monotonic() - self.whole_at > WHOLE_EVERY
            if is_due or seen != self.seen:
                compare_notices(due)
            queued = queue_due_messages(database_now())
            lost = take_up_stalled()
        if is_due or seen != self.seen:
            self.seen, self.whole_at = seen, time.monotonic()
        if queued:
            self.say(f"queued {queued} message{'s' if queued > 1 else ''}")
        if lost:
            self.say(f"took up {lost} message{'s' if lost > 1 else ''} that no worker had finished")


def takes_turn() -> bool:
    """Return whether no other process reconciles; then none does until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TURN])
        return bool(cursor.fetchone()[0])


def reconcile() -> None:
    """Compare once, in a transaction of its own, after a process that does so now.

    Also for a member as the whole office does: a decision is noted once, as whose it is.
    """
    with as_office(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])
        compare_notices(count_pending(NOTED))


def compare_notices(due: PendingCounts) -> None:
    """Open, update and close notices so that they are the decisions that are pending."""
    builders = read_builders()
    problems = {each.key: each for each in list_decisions(due, builders, weighed=NOTED)}
    at = database_now()
    known = {notice.key: notice for notice in Notice.objects.open()}
    new = [problems[key] for key in problems.keys() - known.keys()]
    finish(new, builders, decides=False)
    note_new_decisions(new, at)
    follow_decisions([(known[key], problems[key]) for key in known.keys() & problems.keys()], at)
    gone = [known[key].pk for key in known.keys() - problems.keys()]
    Notice.objects.filter(pk__in=gone).update(closed_at=at)


def note_new_decisions(problems: list[OpenProblem], at: datetime) -> None:
    """Note decisions that are new, or that come again."""
    keys = [problem.key for problem in problems]
    recent = Notice.objects.filter(key__in=keys, closed_at__gt=at - FLAPPING).order_by("closed_at")
    again = {notice.key: notice for notice in recent}
    for notice in again.values():
        notice.closed_at, notice.opened_at = None, at
        notice.openings = [*recent_openings(notice, at), at.isoformat()]
    Notice.objects.bulk_update(again.values(), ["closed_at", "opened_at", "openings"])
    Notice.objects.bulk_create(
        new_notice(problem, at) for problem in problems if problem.key not in again
    )


def recent_openings(notice: Notice, at: datetime) -> list[str]:
    """Return the moments at which it came, of the time in which coming again is flapping."""
    return [each for each in notice.openings if (parse_datetime(each) or at) > at - FLAPPING]


def new_notice(problem: OpenProblem, at: datetime) -> Notice:
    entity = problem.entity
    return Notice(
        key=problem.key,
        kind=problem.kind,
        entity_type=entity._meta.model_name if entity else "",
        entity_id=str(entity.pk) if entity else "",
        since=problem.since,
        impact=problem.held.cost,
        openings=[at.isoformat()],
        opened_at=at,
        organisation_id=problem.organisation or OFFICE_ITSELF,
        **decision_facts(problem),
    )


def decision_facts(problem: OpenProblem) -> dict[str, Any]:
    return {
        "broken": problem.broken,
        "title": problem.title,
        "entity_name": str(problem.entity) if problem.entity else "",
        "program_id": told_program(problem),
        "happened": problem.happened,
        "impact_words": problem.held.words,
        "otherwise": problem.otherwise,
        "remedy": problem.remedy,
    }


def told_program(problem: OpenProblem) -> UUID | None:
    """Return the program that a decision is about.

    What a builder has spent or violated, whatever its task, is no matter of an organisation whose
    task it holds just now.
    """
    entity, program = problem.entity, program_of(problem.entity)
    if program is None or not isinstance(entity, Builder):
        return program
    if problem.cause == str(entity.current_task_id):
        return program
    is_apart = Program.objects.filter(pk=program).exclude(organisation_id=None).exists()
    return None if is_apart else program


def follow_decisions(pairs: Iterable[tuple[Notice, OpenProblem]], at: datetime) -> None:
    """Write down what has changed in decisions that are noted already."""
    changed = []
    for notice, problem in pairs:
        facts = decision_facts(problem)
        cost, worse = problem.held.cost, wake_if_worse(notice, problem)
        if worse or cost >= max(2 * notice.impact, notice.impact + 2):
            notice.impact, notice.worsened_at, worse = cost, at, True
        if worse or any(getattr(notice, name) != facts[name] for name in FOLLOWS):
            for name in FOLLOWS:
                setattr(notice, name, facts[name])
            changed.append(notice)
    Notice.objects.bulk_update(changed, [*FOLLOWS, "impact", "worsened_at"])


def wake_if_worse(notice: Notice, problem: OpenProblem) -> bool:
    """End the snooze of a decision that got worse, unless another was begun meanwhile."""
    if not notice.is_snoozed(now()) or not is_worse(notice, problem):
        return False
    same = Notice.objects.filter(pk=notice.pk, snoozed_at=notice.snoozed_at)
    ended = {"snoozed_at": None, "snoozed_by": "", "snoozed_until": None, "snoozed_impact": None}
    return bool(same.update(**ended))
