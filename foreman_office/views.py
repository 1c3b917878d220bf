"""What belongs to no app or to all three: the inbox, the frame of every page, search, the door."""

import json
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.db.models import FETCH_PEERS, Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.timezone import get_current_timezone_name
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.decide import came_from
from foreman_office.kit.htmx import render_page, wants_part
from foreman_office.kit.roles import READERS, has_role, may_decide, reads
from foreman_office.kit.zones import zones, zones_by_region
from foreman_office.places import FIRST, OTHERS, bounded, count_open_blockers
from foreman_office.search import find
from foreman_office.visits import finished_since, last_visit
from governance.attention import Matters, count_matters
from governance.decisions import list_decisions
from governance.models import Watcher
from programs.models import Program, Task
from programs.tallies import tally_programs

THEMES = {"system": "System", "light": "Light", "dark": "Dark"}
KEYS = {"on": "On", "off": "Off"}
COUNTED = 1000  # how far what is under way is counted
MOVING = 12  # tasks under way that the inbox shows

# What may be chosen of how pages look and behave, and from what. It is kept with the browser.
CHOICES: dict[str, Callable[[], Collection[str]]] = {
    "theme": lambda: THEMES,
    "keys": lambda: KEYS,
    "zone": zones,
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give every template the frame. It holds questions: a page without the frame asks none."""
    due = cache(lambda: what_waits(request))
    watched = cache(Watcher.objects.alive().exists)
    here = request.resolver_match.view_name if request.resolver_match else ""
    first, others = ([(place, place.holds(here)) for place in places] for places in (FIRST, OTHERS))
    return {
        "frame": {
            # A page that shows more of the builders has them already.
            "builders": cache(getattr(request, "builders", lambda: list(with_verdict()))),
            "due": due,
            "kinds": lambda: json.dumps(due().words),
            "worst": lambda: due().worst if watched() else "failed",
            "blockers": cache(lambda: bounded(count_open_blockers())),
            "violations": lambda: bounded(due().counts["violation"]),
            "watched": watched,
            "first": first,
            "others": others,
        },
        # Who may read is told of an error in the frame, with the way on; others on a plain page.
        "shell": lambda: "base.html" if may_read(request) else "plain.html",
        "may_read": cache(lambda: may_read(request)),
        "may_decide": cache(lambda: may_decide(request)),
        "simulation": getattr(settings, "FOREMAN_SIMULATION", False),
        "theme": chosen(request, "theme", "system"),
        "themes": THEMES.items(),
        "keys": chosen(request, "keys", "on"),
        "key_choices": KEYS.items(),
        "zone": get_current_timezone_name(),
    }


def what_waits(request: HttpRequest) -> Matters:
    """Find what waits, once for each request: the frame counts it, the inbox lists it."""
    if not hasattr(request, "matters"):
        request.matters = count_matters()  # type: ignore[attr-defined]
    return request.matters  # type: ignore[attr-defined]


def may_read(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)  # none where a request failed early
    return bool(user) and has_role(user, READERS)


def chosen(request: HttpRequest, name: str, usual: str) -> str:
    choice = request.COOKIES.get(name, usual)
    return choice if choice in CHOICES[name]() else usual


@reads
def inbox(request: HttpRequest) -> HttpResponse:
    builders = cache(lambda: list(with_last_words(with_verdict())))
    request.builders = builders  # type: ignore[attr-defined]
    visit = last_visit(request)
    return render_page(
        request,
        "inbox.html",
        {
            "decisions": cache(
                lambda: list_decisions(what_waits(request), builders(), decides=may_decide(request))
            ),
            "at_work": cache(lambda: sum(map(is_at_work, builders()))),
            "running": cache(lambda: Task.objects.running().order_by()[:COUNTED].count()),
            "moving": cache(lambda: moving(builders())),
            "visit": visit,
            "finished": cache(lambda: finished_since(visit.since)),
            "programs": cache(unfinished_programs),
        },
        parts=["headline", "decisions", "moving", "finished", "programs"],
    )


def is_at_work(builder: Any) -> bool:
    return builder.verdict in ("working", "waiting", "spinning")


def moving(builders: list[Any]) -> list[Task]:
    """Return what builders hold, then what else is under way; each with its `holder`."""
    held = {builder.current_task: builder for builder in builders if builder.current_task}
    others = Task.objects.running().exclude(pk__in=[task.pk for task in held])
    others = others.select_related("wave__program").order_by("-updated_at")
    tasks = [*held, *others.fetch_mode(FETCH_PEERS)[: MOVING - len(held)]]
    for task in tasks:
        task.holder = held.get(task)
    return tasks


def unfinished_programs() -> list[Program]:
    """Return what is under way, then what waits to begin."""
    unfinished = Program.objects.exclude(state=Program.State.COMPLETED)
    order = Case(When(state=Program.State.PLANNED, then=1), default=0)
    return tally_programs(unfinished.order_by(order, "name")[:6])


@reads
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")
    return render_page(
        request,
        "search.html",
        {"text": text, "groups": cache(lambda: find(text))},
        parts=["hits"],
    )


def login(request: HttpRequest) -> HttpResponse:
    """Let somebody in. A part asked for after the session has ended sends its whole page here."""
    if wants_part(request):
        back = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(redirect_to_login(back or "/").url)
    return LoginView.as_view(template_name="login.html", redirect_authenticated_user=True)(request)


@login_required
@require_POST
def choice(request: HttpRequest) -> HttpResponse:
    """Keep a choice of how pages look and behave with the browser."""
    made = [(name, request.POST[name]) for name in CHOICES if name in request.POST]
    if not made or any(value not in CHOICES[name]() for name, value in made):
        return HttpResponseBadRequest("There is no such choice.")
    response = redirect(came_from(request) or "/")
    for name, value in made:
        response.set_cookie(
            name, value, max_age=timedelta(days=365), secure=settings.HTTPS, samesite="Lax"
        )
    return response


@login_required
@require_safe
def zone(request: HttpRequest) -> HttpResponse:
    """Offer all time zones."""
    return render_page(request, "zone.html", {"regions": zones_by_region})
