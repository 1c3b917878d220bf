"""Pages and their parts: what htmx asks for by an element's id is a partial of that name."""

from collections.abc import Collection
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

# Parts that every page has, because its frame has them.
FRAME_PARTS = {"lamps": "base.html"}


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
    return response
