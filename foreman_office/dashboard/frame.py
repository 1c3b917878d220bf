"""What the frame of every page shows."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.timezone import get_current_timezone_name

from foreman_office.access.organisations import run_in_workplace, workplace_name
from foreman_office.dashboard.builders.queries import busy_elsewhere, with_verdict
from foreman_office.dashboard.inbox.pending_decisions import is_watched, what_waits
from foreman_office.dashboard.navigation import FIRST, OTHERS, bounded, count_blockers_shown
from foreman_office.dashboard.preferences.choices import KEYS, THEMES, chosen
from kit.core.roles import READERS, has_role, may_decide


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame for every template, as lazy queries: a page without the frame runs none."""

    def asked[T](query: Callable[[], T]) -> Callable[[], T]:
        """Return a query that runs once, for the organisation of the request."""
        return cache(lambda: run_in_workplace(request, query))

    due = asked(lambda: what_waits(request))
    watched = asked(lambda: is_watched(request))
    here = request.resolver_match.view_name if request.resolver_match else ""
    first, others = ([(place, place.holds(here)) for place in places] for places in (FIRST, OTHERS))
    return {
        "frame": {
            # A page that shows more of the builders has them already.
            "builders": asked(getattr(request, "builders", lambda: list(with_verdict()))),
            "busy": asked(busy_elsewhere),
            "due": due,
            "kinds": lambda: json.dumps(due().words),
            "worst": lambda: due().worst if watched() else "failed",
            "blockers": asked(lambda: bounded(count_blockers_shown())),
            "violations": lambda: bounded(due().counts["violation"]),
            "watched": watched,
            "first": first,
            "others": others,
        },
        # A user who may read sees an error inside the frame; others see a plain page.
        "shell": lambda: "base.html" if may_read(request) else "plain.html",
        "may_read": cache(lambda: may_read(request)),
        "may_decide": cache(lambda: may_decide(request)),
        "workplace": cache(lambda: workplace_name(request)),
        "workplaces": getattr(request, "workplaces", []),
        "opens_records": lambda: admin.site.has_permission(request),
        "read_only": settings.FOREMAN_READ_ONLY,
        "writer": settings.FOREMAN_WRITER,
        "simulation": getattr(settings, "FOREMAN_SIMULATION", False),
        "theme": chosen(request, "theme", "system"),
        "themes": THEMES.items(),
        "keys": chosen(request, "keys", "on"),
        "key_choices": KEYS.items(),
        "zone": get_current_timezone_name(),
    }


def may_read(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)  # none where a request failed early
    is_shut_out = getattr(request, "must_set_up_second_factor", False)
    return bool(user) and not is_shut_out and has_role(user, READERS)
