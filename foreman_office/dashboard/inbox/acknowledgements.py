"""Who has a decision, who put it off, to whom it is assigned: on its card, with what to do."""

from django.urls import reverse
from django.utils.timezone import now

from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.forms import AssignDecisionForm, SnoozeForm
from foreman_office.notifications.rules import names_of_deciders
from governance.models import Notice
from kit.web.decision_forms import ActionButton

TAKE_ON, GIVE_BACK = "I have it", "Give it back"
NOBODY = "nobody"


def add_notices(problems: list[OpenProblem]) -> None:
    """Add to each decision what people have noted of it, and whether it is put off."""
    if not problems:
        return
    at, noted = now(), {notice.key: notice for notice in Notice.objects.open().marked()}
    for problem in problems:
        problem.notice = notice = noted.get(problem.key)
        problem.snoozed = bool(notice and notice.is_snoozed(at) and not is_worse(notice, problem))


def is_worse(notice: Notice, problem: OpenProblem) -> bool:
    """Return whether a decision holds up more than when it was put off, or is broken since."""
    held_up_then = notice.snoozed_impact or 0
    return problem.held.cost > held_up_then or (problem.broken and not notice.broken)


def offer_marks(shown: list[OpenProblem]) -> None:
    """Offer to take each decision on, to put it off and to assign it, or to end that."""
    if not shown:
        return
    people = tuple((name, name) for name in names_of_deciders())
    for problem in shown:
        problem.taking = [*_offers(problem, people)]


def _offers(problem: OpenProblem, people: tuple[tuple[str, str], ...]) -> list[ActionButton]:
    about, notice = str(problem.entity or problem.title), problem.notice

    def button(act: str, label: str, **more: object) -> ActionButton:
        address = reverse(f"decision_{act}", args=[problem.key])
        key = {"acknowledge": "has", "give_back": "has"}.get(act, act)
        return ActionButton(f"{key}-{problem.key}", address, label, about, **more)  # type: ignore[arg-type]

    has_it = notice is not None and notice.acknowledged_at is not None
    assignee = notice.assigned_to if notice else ""
    nobody = (("", NOBODY),) if assignee else ()
    return [
        button("give_back", GIVE_BACK) if has_it else button("acknowledge", TAKE_ON),
        button("wake", "End the snooze")
        if problem.snoozed
        else button("snooze", "Snooze", form=SnoozeForm),
        button("assign", "Assign to", form=AssignDecisionForm, choices=nobody + people),
    ]
