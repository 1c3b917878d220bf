"""Times in the user's zone, which is chosen once and stored in the browser."""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localtime, override

COOKIE = "zone"
USUAL = "UTC"


@cache
def zones() -> frozenset[str]:
    """Return the names of all zones of this machine."""
    return frozenset({USUAL, *available_timezones()})


def zones_by_region() -> dict[str, list[tuple[str, str]]]:
    """Return the zones that are named after a place, each with its distance from UTC now."""
    regions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(zones()):
        region, _, place = name.partition("/")
        if place and region not in ("Etc", "SystemV"):
            offset = localtime(timezone=ZoneInfo(name)).strftime("%:z")
            regions[region].append((name, f"{place.replace('_', ' ')} (UTC{offset})"))
    return dict(regions)


class ChosenZoneMiddleware:
    """Show times in the chosen zone; an unknown name counts as none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE, USUAL)
        chosen = name != USUAL and name in zones()
        with override(ZoneInfo(name) if chosen else None):
            return self.get_response(request)
