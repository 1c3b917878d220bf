"""One decision at its own address, where messages lead to; and who has it."""

from datetime import datetime
from functools import cache

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.timezone import localtime

from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.dashboard.forms import AssignDecisionForm, SnoozeForm
from foreman_office.dashboard.inbox.inbox_cards import finish, list_decisions, read_builders
from foreman_office.dashboard.inbox.pending_decisions import count_pending
from foreman_office.dashboard.inbox.reconciling import NOTED, reconcile
from foreman_office.notifications import actions
from governance.models import Notice
from kit.core.acts import Refused
from kit.core.roles import decides, may_decide, reads
from kit.web.decision_forms import cleaned_or_422, respond_done
from kit.web.htmx import render_page


@reads
def decision(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show the card of a decision, or that it is over."""
    builders = cache(read_builders)
    request.builders = builders  # type: ignore[attr-defined]
    problem = find(key, builders())
    last = Notice.objects.filter(key=key).order_by("-opened_at").first()
    if problem is None and last is None:
        raise Http404("There is no such decision.")
    if problem:
        finish([problem], builders(), decides=may_decide(request))
    context = {"problem": problem, "last": last}
    return render_page(request, "inbox/decision.html", context, parts=["card", "written"])


def find(key: str, builders: list[object]) -> OpenProblem | None:
    found = list_decisions(count_pending(NOTED), builders, weighed=NOTED)
    return next((each for each in found if each.key == key), None)


@decides
def decision_acknowledge(request: HttpRequest, key: str) -> HttpResponse:
    notice = actions.acknowledge(noted(key), by=request.user)
    return respond_done(request, f"You have “{notice}”.", reverse("decision", args=[key]))


@decides
def decision_give_back(request: HttpRequest, key: str) -> HttpResponse:
    notice = actions.give_back(noted(key), by=request.user)
    return respond_done(request, f"Nobody has “{notice}” now.", reverse("decision", args=[key]))


@decides
def decision_snooze(request: HttpRequest, key: str) -> HttpResponse:
    until = cleaned_or_422(request, SnoozeForm)["until"]
    problem = find(key, read_builders())
    if problem is None:
        raise over()
    notice = actions.snooze(noted(key), until=until, impact=problem.held.cost, by=request.user)
    said = f"“{notice}” is snoozed until {snooze_end_words(until)}."
    return respond_done(request, said, reverse("decision", args=[key]))


@decides
def decision_wake(request: HttpRequest, key: str) -> HttpResponse:
    notice = actions.end_snooze(noted(key), by=request.user)
    return respond_done(request, f"“{notice}” is shown again.", reverse("decision", args=[key]))


@decides
def decision_assign(request: HttpRequest, key: str) -> HttpResponse:
    person = cleaned_or_422(request, AssignDecisionForm)["person"]
    notice = actions.assign_decision(noted(key), person=person, by=request.user)
    said = f"“{notice}” is assigned to {person or 'nobody'}."
    return respond_done(request, said, reverse("decision", args=[key]))


def snooze_end_words(until: datetime | None) -> str:
    return f"{localtime(until):%Y-%m-%d %H:%M %Z}" if until else "it gets worse"


def over() -> Refused:
    return Refused("decision_is_over", "It is no longer so: nothing is left to decide here.")


def noted(key: str) -> Notice:
    """Return the open notice of a decision, which is noted now if no sweep has done so yet."""
    notice = Notice.objects.open().filter(key=key).first()
    if notice is None:
        reconcile()
        notice = Notice.objects.open().filter(key=key).first()
    if notice is None:
        raise over()
    return notice
