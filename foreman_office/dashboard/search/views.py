from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from foreman_office.dashboard.search.queries import LABELS, PAGE, search_entities, search_kind
from kit.core.roles import may_decide, reads
from kit.web.htmx import render_page


@reads
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")
    kind = request.GET.get("kind", "")
    if kind and kind not in LABELS:
        raise Http404("There is no such kind of result.")
    context: dict[str, Any] = {"text": text, "kind": kind, "kinds": LABELS.items()}
    if kind:
        context |= page_of_kind(request, text, kind)
    else:
        context["groups"] = cache(lambda: search_entities(text, decides=may_decide(request)))
    return render_page(request, "search/search.html", context, parts=["hits"])


def page_of_kind(request: HttpRequest, text: str, kind: str) -> dict[str, Any]:
    """Return one page of the results of one kind, and the addresses of those beside it."""
    try:
        number = max(1, int(request.GET.get("page") or 1))
    except ValueError as error:
        raise Http404("A page has a number.") from error
    group = search_kind(text, kind)
    start = (number - 1) * PAGE
    here = group._replace(hits=group.hits[start : start + PAGE], all="")

    def beside(page: int) -> str:
        return reverse("search", query={"q": text, "kind": kind, "page": page})

    return {
        "groups": [here] if here.hits else [],
        "listed": len(group.hits),
        "first": start + 1,
        "last": start + len(here.hits),
        "previous": beside(number - 1) if number > 1 else "",
        "next": beside(number + 1) if start + PAGE < len(group.hits) else "",
    }
