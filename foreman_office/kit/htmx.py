"""Pages and their parts: what htmx asks for by an element's id is a partial of that name."""

import re
from collections.abc import Collection
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response, patch_vary_headers

# Parts that every page has, because its frame has them.
FRAME_PARTS = {"lamps": "base.html"}
# What differs in every answer and means nothing: running times, the forms' secret.
FLEETING = re.compile(rb'(<time[^>]*>)[^<]*|name="csrfmiddlewaretoken" value="[^"]*"')


def wants_part(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a piece of a page, and not for a page to show whole."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    parts: Collection[str] = (),
) -> HttpResponse:
    """Answer with the part that htmx targets if it is one of `parts`, else with the page."""
    if wants_part(request):
        target = request.htmx.target  # type: ignore[attr-defined]
        if target in parts:
            template = f"{template}#{target}"
        elif target in FRAME_PARTS:
            template = f"{FRAME_PARTS[target]}#{target}"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-Boosted"])
    # A part must never be shown as the page when the reader goes back to this address.
    response.headers["Cache-Control"] = "no-store"
    return unless_known(request, response) if wants_part(request) else response


def unless_known(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Answer 304 where the page has this part already."""
    lasting = FLEETING.sub(rb"\1", response.content)
    etag = f'W/"{sha256(lasting).hexdigest()[:32]}"'
    response.headers["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
