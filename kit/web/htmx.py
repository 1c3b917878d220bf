"""Pages and their parts: a part is the partial with the name of the requested element's id.

htmx asks for the part that it will put in place of its target. A live page asks for all parts that
were touched at once, and says which versions it has: it is answered with those that have changed.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.template.context import Context, make_context
from django.template.loader import get_template
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_etags

# The header in which a live page names the parts that it asks for.
PARTS = "Foreman-Parts"
# Parts that every page has, because its frame has them: with what the frame shows elsewhere.
FRAME_PARTS = {"lamps": "base.html#lamps_and_counts"}
# What differs in every answer without a change of the data: running times, the forms' secret and
# keys, the revision that was read.
FLEETING = re.compile(
    r'(<time[^>]*>)[^<]*|name="(?:csrfmiddlewaretoken|sending_key)" value="[^"]*"'
    r'| data-revision="[^"]*"'
)


def wants_part(request: HttpRequest) -> bool:
    """Return whether a part of a page is requested, and not a page to show whole."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    parts: Collection[str] = (),
) -> HttpResponse:
    """Answer with the requested one of `parts`, or with the page."""
    places = {part: f"{template}#{part}" for part in parts} | FRAME_PARTS
    asked = request.headers.get(PARTS, "").split()
    if not wants_part(request):
        response = render(request, template, context)
    elif asked:
        response = render_parts(
            request, {part: place_of_part(places, part) for part in asked}, context
        )
    else:
        target = request.htmx.target  # type: ignore[attr-defined]
        response = render(request, places.get(target, template), context)
        if target in places:
            response = unless_known(request, response, etag(target, response.text))
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-Boosted", PARTS])
    # A part must never be shown as the page when the reader goes back to this address.
    response.headers["Cache-Control"] = "no-store"
    return response


def render(request: HttpRequest, template: str, context: dict[str, Any] | None) -> HttpResponse:
    found: Any = get_template(template)
    with drawing(request, context) as shared:
        return HttpResponse(found.template.render(shared))


@contextmanager
def drawing(request: HttpRequest, context: dict[str, Any] | None) -> Iterator[Context]:
    """Yield the context of a template, and release what it holds afterwards.

    A context refers to itself: all rows of a page would wait for the garbage collector, and with
    many rows it comes often and takes long.
    """
    made = make_context(context, request)
    try:
        yield made
    finally:
        made.dicts.clear()


def place_of_part(places: dict[str, str], part: str) -> str:
    if part not in places:
        raise BadRequest(f"This page has no part {part!r}.")
    return places[part]


def unless_known(request: HttpRequest, response: HttpResponse, version: str) -> HttpResponse:
    """Answer 304 if the page has this part already."""
    response.headers["ETag"] = version
    return get_conditional_response(request, etag=version, response=response) or response


def render_parts(
    request: HttpRequest, places: dict[str, str], context: dict[str, Any] | None
) -> HttpResponse:
    """Answer with each of these parts that the page does not have, or 304 if it has them all.

    They are drawn in one context, so what several of them show is asked of the database once.
    """
    known = set(parse_etags(request.headers.get("If-None-Match", "")))
    partials: dict[str, Any] = {part: get_template(place) for part, place in places.items()}
    template = next(iter(partials.values())).template
    with drawing(request, context) as shared, shared.bind_template(template):
        drawn = {part: partial.template.render(shared) for part, partial in partials.items()}
    changed = {
        part: {"etag": version, "html": html}
        for part, html in drawn.items()
        if (version := etag(part, html)) not in known
    }
    return JsonResponse(changed) if changed else HttpResponseNotModified()


def etag(part: str, html: str) -> str:
    """Return the etag of a part."""
    lasting = FLEETING.sub(r"\1", html)
    return f'W/"{part}-{sha256(lasting.encode()).hexdigest()[:32]}"'
