"""The lists of which views can be saved, and what of an address belongs to a view."""

from django.http import HttpRequest, QueryDict
from django.urls import reverse

# The names of the lists' addresses, and what the lists are called.
PLACES = {
    "programs:program_list": "Programs",
    "programs:task_list": "Tasks",
    "decisions": "Decisions",
    "governance:blocker_list": "Blockers",
    "governance:violation_list": "Violations",
    "governance:quality_runs": "QA runs",
    "governance:quality_validations": "Architecture validations",
    "governance:spend": "Spend",
    "governance:evidence_list": "Evidence",
}
WITHOUT = "without"  # the columns that a list is shown without, in its address
OF_A_MOMENT = ("after", "before", "export")  # the page of a list, or a file of it


def place_shown(request: HttpRequest) -> str:
    """Return the name of the list that is shown, or nothing if no views of it can be saved."""
    name = request.resolver_match.view_name if request.resolver_match else ""
    return name if name in PLACES else ""


def query_of_view(text: str) -> str:
    """Return what an address says of a list: its filters and its order, in one writing."""
    asked = QueryDict(text, mutable=True)
    for name in OF_A_MOMENT:
        asked.pop(name, None)
    said = [(name, value) for name in sorted(asked) for value in asked.getlist(name) if value]
    kept = QueryDict(mutable=True)
    for name, value in said:
        kept.appendlist(name, value)
    return kept.urlencode()


def address_of_view(place: str, query: str) -> str:
    address = reverse(place)
    return f"{address}?{query}" if query else address
