"""What was spent: by model, builder, program, wave, task or day, with its trend."""

from datetime import timedelta
from functools import cache
from operator import attrgetter

from django.utils.timezone import now

from builders.models import UsageHour
from foreman_office.dashboard.saved_views.reading import opens_with_default
from foreman_office.dashboard.spend.figures import price_list_fault, spend_trend, total_of, verified
from foreman_office.dashboard.spend.filters import GROUPS, SpendFilter
from foreman_office.dashboard.spend.groups import spend_by
from kit.core.roles import reads
from kit.web.computed_listing import ComputedListing
from kit.web.htmx import render_page
from kit.web.listing import Sort
from programs.models import Task

USUAL = {"by": "model", "days": "30"}
SORTS = {
    "cost": Sort("Cost", "cost", descending=True),
    "name": Sort("Name", "name"),
    "out": Sort("Tokens out", "tokens_out", descending=True),
}
COLUMNS = {
    "key": attrgetter("key"),
    "name": attrgetter("name"),
    "cost_usd": lambda row: row.told + row.estimated,
    "told_usd": attrgetter("told"),
    "estimated_usd": attrgetter("estimated"),
    "tokens_without_a_price": attrgetter("unpriced"),
    "tokens_in": attrgetter("tokens_in"),
    "cache_read": attrgetter("cache_read"),
    "cache_written": attrgetter("cache_written"),
    "tokens_out": attrgetter("tokens_out"),
}


@reads
@opens_with_default
def spend(request):
    group = request.GET.get("by") or USUAL["by"]
    noun = GROUPS.get(group, "row")

    def rows():
        return listing.filterset.filter_queryset(UsageHour.objects.counted())

    def find():
        return spend_by(group, rows())

    listing = ComputedListing(request, find, SpendFilter, SORTS, noun=noun, usual=USUAL, key="key")
    if "export" in request.GET:
        return listing.export(COLUMNS)
    return render_page(request, "spend/spend.html", page_of(listing, rows, noun), parts=["list"])


def page_of(listing, rows, noun):
    """Return the context of the page: the sums are those of all rows, not of those shown."""
    if not listing.form.is_valid():
        return {"listing": listing}
    chosen = listing.form.cleaned_data
    since = now() - timedelta(days=int(chosen["days"]))
    whole = cache(lambda: total_of(listing.filtered))
    done = cache(lambda: verified_tasks(chosen, since).count())
    return {
        "listing": listing,
        "days": int(chosen["days"]),
        "noun": noun,
        "whole": whole,
        "told_twice": cache(lambda: hours_told_twice(listing)),
        "fault": price_list_fault(),
        "verified": done,
        # Of some models alone nobody can tell what a task cost.
        "each": cache(lambda: whole().cost / done() if done() and not chosen["model"] else None),
        "chart": cache(lambda: spend_trend(rows(), since, now())),
    }


def hours_told_twice(listing):
    """Return of how many hours a builder told in heartbeats what its agent exported too."""
    rows = listing.filterset.filter_queryset(UsageHour.objects.told_twice())
    return rows.order_by().values("builder", "task", "hour").distinct().count()


def verified_tasks(chosen, since):
    """Return the tasks that were verified since then, of the program and builder chosen."""
    of = {"wave__program": chosen["program"], "assigned_builder": chosen["builder"]}
    of = {field: value for field, value in of.items() if value}
    return verified(Task.objects.filter(completed_at__gte=since, **of))
