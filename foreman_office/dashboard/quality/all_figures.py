"""All figures of the page of quality, for the filters in its address."""

from datetime import datetime
from functools import cache, partial
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from foreman_office.dashboard.quality import failing, figures, trends
from governance.models import ArchitectureValidation, CompletionClaim, LatestRun, SuiteTurn
from kit.web.listing import Listing

SHARED_FILTERS = ("program", "builder", "days")  # of the page and of the list of runs


def quality_figures(listing: Listing, at: datetime) -> dict[str, Any]:
    """Return the figures of the page of quality, each asked for when it is drawn."""

    def asked(model: Any, moment: str) -> Any:
        rows, filters = model.objects.all(), listing.filterset
        return filters.alike(rows, moment) if listing.form.is_valid() else rows.none()

    turns, claims = asked(SuiteTurn, "turned_at"), asked(CompletionClaim, "claimed_at")
    suites = asked(LatestRun, "executed_at")
    validations = asked(ArchitectureValidation, "validated_at")
    newly = cache(lambda: failing.newly_failing(turns))
    address = partial(address_of_runs, listing)
    return {
        "now": cache(lambda: figures.suites_now(suites)),
        "failing": cache(lambda: failing.failing_suites(newly(), failing.worst_failing(suites))),
        "failing_means": failing.NEWLY,
        "failing_tests": cache(lambda: failing.newly_failing_tests(newly())),
        "trend": cache(lambda: trends.trend(listing.filtered, turns, claims, at, address)),
        "to_green": cache(lambda: trends.time_to_green(turns)),
        "refused": cache(lambda: failing.claims_refused(claims)),
        "judged": cache(lambda: figures.judged(validations)),
        "flaky": cache(lambda: figures.flaky_tests(listing.filtered)),
        "flaky_means": figures.FLAKY,
        "items": cache(lambda: figures.failing_items(validations)),
        "looked_at": figures.LOOKED_AT,
    }


def address_of_runs(listing: Listing, *, since: datetime, until: datetime, **asked: str) -> str:
    """Return the address of the runs of a span of time, with the filters of a listing."""
    kept = {name: value for name, value in listing.asked.items() if name in SHARED_FILTERS}
    span = {"since": trends.in_utc(since), "until": trends.in_utc(until)}
    return f"{reverse('governance:quality_runs')}?{urlencode(kept | span | asked)}"
