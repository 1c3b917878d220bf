"""Refused becomes 409: as a page, as a part of one, or as JSON."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from foreman_office.kit.acts import Refused


class RefusedMiddleware:
    """Answer a refusal of the database with its rule and its sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refused):
            return None
        if not request.accepts("text/html"):
            return JsonResponse({"rule": error.rule, "message": error.message}, status=409)
        template = "refused.html#part" if request.headers.get("HX-Request") else "refused.html"
        return render(request, template, {"refused": error}, status=409)
