"""Who has a decision: shown on its card, and offered to take on or to give back."""

from django.urls import reverse

from foreman_office.dashboard.explain.problems import OpenProblem
from governance.models import Notice
from kit.web.decision_forms import ActionButton

TAKE_ON, GIVE_BACK = "I have it", "Give it back"


def add_acknowledgements(shown: list[OpenProblem]) -> None:
    """Add to each decision what was noted of it, and the act that takes it on or gives it back."""
    if not shown:
        return
    keys = [problem.key for problem in shown]
    noted = {notice.key: notice for notice in Notice.objects.open().filter(key__in=keys)}
    for problem in shown:
        problem.notice = noted.get(problem.key)
        has_it = problem.notice is not None and problem.notice.acknowledged_at is not None
        act, label = (
            ("decision_give_back", GIVE_BACK) if has_it else ("decision_acknowledge", TAKE_ON)
        )
        about = str(problem.entity or problem.title)
        address = reverse(act, args=[problem.key])
        problem.taking = [ActionButton(f"has-{problem.key}", address, label, about)]
