from functools import cache

from django.http import HttpRequest, HttpResponse

from foreman_office.dashboard.search.queries import search_entities
from kit.core.roles import reads
from kit.web.htmx import render_page


@reads
def search(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "")
    return render_page(
        request,
        "search/search.html",
        {"text": text, "groups": cache(lambda: search_entities(text))},
        parts=["hits"],
    )
