"""The list of all decisions: its filters, its orders, its columns as a file."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django_filters import CharFilter, ChoiceFilter, FilterSet

from foreman_office.dashboard.explain.impact import program_of
from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.filters import SEARCH, programs
from foreman_office.dashboard.inbox.inbox_cards import finish, list_decisions
from foreman_office.dashboard.inbox.pending_decisions import KINDS, count_pending
from kit.core.roles import may_decide
from kit.web.computed_listing import ComputedListing
from kit.web.listing import COUNTED, NamedRowFilter, Sort
from programs.models import Program

PAGE = 20
SORTS = {
    "impact": Sort("Impact", "weight", descending=True),
    "age": Sort("Age", "since_seconds"),
}
COLUMNS = {
    "key": attrgetter("key"),
    "band": lambda problem: "broken" if problem.broken else "waiting",
    "kind": attrgetter("kind"),
    "title": attrgetter("title"),
    "entity_type": lambda problem: problem.entity and problem.entity._meta.model_name,
    "entity_id": lambda problem: problem.entity and str(problem.entity.pk),
    "entity": lambda problem: problem.entity and str(problem.entity),
    "since": attrgetter("since"),
    "happened": attrgetter("happened"),
    "impact": attrgetter("held.words"),
    "if_nothing_is_done": attrgetter("otherwise"),
    "acknowledged_by": lambda problem: noted_of(problem, "acknowledged_by"),
    "assigned_to": lambda problem: noted_of(problem, "assigned_to"),
    "snoozed_by": lambda problem: noted_of(problem, "snoozed_by") if problem.snoozed else None,
    "snoozed_until": lambda problem: (
        noted_of(problem, "snoozed_until") if problem.snoozed else None
    ),
}


def noted_of(problem: OpenProblem, name: str) -> Any:
    """Return what people noted of a decision, or None."""
    return getattr(problem.notice, name, None) or None


class DecisionFilter(FilterSet):
    """The filters of the list. Decisions are computed, so rows are filtered one by one."""

    q = CharFilter(label="Text or name", widget=SEARCH)
    band = ChoiceFilter(
        label="Band",
        choices=[("broken", "Broken now"), ("waiting", "Waiting for a decision")],
        empty_label="both",
    )
    kind = ChoiceFilter(
        label="Kind",
        choices=[(name, kind.one.capitalize()) for name, kind in KINDS.items()],
        empty_label="any",
    )
    program = NamedRowFilter(label="Program", queryset=programs, empty_label="any")
    snoozed = ChoiceFilter(
        label="Snoozed",
        choices=[("no", "no"), ("yes", "yes"), ("all", "yes or no")],
        empty_label=None,
    )
    person = CharFilter(label="Has it, or is assigned to it")

    class Meta:
        model = Program
        fields: list[str] = []

    def keeps(self, problem: OpenProblem) -> bool:
        """Return whether a decision matches the filters."""
        asked = self.form.cleaned_data
        words = f"{problem.title} {problem.entity or ''} {problem.happened}".lower()
        program: UUID | None = asked["program"] and asked["program"].pk
        return (
            all(word in words for word in asked["q"].lower().split())
            and asked["band"] in ("", "broken" if problem.broken else "waiting")
            and asked["kind"] in ("", problem.kind)
            and program in (None, program_of(problem.entity))
            and asked["snoozed"] in ("", "all", "yes" if problem.snoozed else "no")
            and asked["person"]
            in ("", noted_of(problem, "acknowledged_by"), noted_of(problem, "assigned_to"))
        )


def decision_list(request: HttpRequest, builders: Callable[[], list[Any]]) -> ComputedListing:
    """Return the list as its address asks for it."""
    return ComputedListing(
        request,
        lambda: list_decisions(count_pending(COUNTED), builders(), weighed=COUNTED),
        DecisionFilter,
        SORTS,
        noun="decision",
        page=PAGE,
        key="key",
        usual={"snoozed": "no"},
        annotate_rows=lambda rows: finish(rows, builders(), decides=may_decide(request)),
    )
