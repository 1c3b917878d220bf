"""What belongs to no app or to all three: the inbox, the frame of every page, the door."""

from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.db.models import FETCH_PEERS, Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from builders.pulse import with_last_words, with_verdict
from foreman_office.kit.htmx import render_page, wants_part
from foreman_office.kit.roles import may_decide, reads
from governance.attention import count_matters
from governance.decisions import list_decisions
from governance.models import Evidence, Watcher
from programs.models import Program, Task
from programs.tallies import tally_programs

THEMES = {"system": "System", "light": "Light", "dark": "Dark"}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give every template the frame. It holds questions: a page without the frame asks none."""
    theme = request.COOKIES.get("theme", "system")
    return {
        "frame": {
            "builders": cache(lambda: list(with_verdict())),
            "due": cache(count_matters),
            "watched": cache(Watcher.objects.alive().exists),
        },
        "may_decide": cache(lambda: may_decide(request)),
        "simulation": getattr(settings, "FOREMAN_SIMULATION", False),
        "theme": theme if theme in THEMES else "system",
        "themes": THEMES.items(),
    }


@reads
def inbox(request: HttpRequest) -> HttpResponse:
    builders = cache(lambda: list(with_last_words(with_verdict())))
    running = Task.objects.running().select_related("wave__program").order_by("-state", "name")
    return render_page(
        request,
        "inbox.html",
        {
            "at_work": cache(lambda: sum(map(is_at_work, builders()))),
            "decisions": cache(lambda: list_decisions(decides=may_decide(request))),
            "builders": builders,
            "running": cache(lambda: running.fetch_mode(FETCH_PEERS)[:20]),
            "programs": cache(unfinished_programs),
            "evidence": cache(lambda: Evidence.objects.recent()[:12]),
        },
        parts=["headline", "decisions", "builders", "running", "programs", "evidence"],
    )


def is_at_work(builder: Any) -> bool:
    return builder.verdict in ("working", "waiting", "spinning")


def unfinished_programs() -> list[Program]:
    """Return what is under way, then what waits to begin."""
    unfinished = Program.objects.exclude(state=Program.State.COMPLETED)
    order = Case(When(state=Program.State.PLANNED, then=1), default=0)
    return tally_programs(unfinished.order_by(order, "name")[:6])


def login(request: HttpRequest) -> HttpResponse:
    """Let somebody in. A part asked for after the session has ended sends its whole page here."""
    if wants_part(request):
        back = request.htmx.current_url_abs_path  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(redirect_to_login(back or "/").url)
    return LoginView.as_view(template_name="login.html", redirect_authenticated_user=True)(request)


@login_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme with the browser."""
    if (choice := request.POST.get("theme")) not in THEMES:
        return HttpResponseBadRequest("There is no such theme.")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, request.get_host(), request.is_secure()):
        back = "/"
    response = redirect(back)
    response.set_cookie(
        "theme", choice, max_age=timedelta(days=365), secure=settings.HTTPS, samesite="Lax"
    )
    return response
