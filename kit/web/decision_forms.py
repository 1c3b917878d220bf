"""Decisions by form: offered, filled in and answered, in place by htmx or by plain forms."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event

from kit.web.forms import TextField
from kit.web.htmx import wants_part

type Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ActionButton:
    """A decision that is offered: its address, the text of its button, and its fields."""

    key: str  # the id of its element, of which there is one on a page
    url: str
    label: str
    about: str  # what it is about, for those who hear the button alone
    form: type[forms.Form] | None = None
    main: bool = False
    target: str = ""  # the state that it leads to, if the gate of that is to be asked
    last: bool = False  # it destroys something, and stands after the others
    initial: Pairs = ()  # of the form
    choices: tuple[tuple[str, ...], ...] = ()  # of a form whose choices depend on how things stand

    @property
    def css(self) -> str:
        """Return the classes of its button."""
        css = "button main-act" if self.main else "button"
        return f"{css} drastic" if self.last else css

    def draw(self, hidden: str) -> str:
        """Render the button, with the form that it opens if it has fields.

        `hidden` are the fields that each form on a page has.
        """
        own = {KEY: self.key, URL: escape(self.url), ABOUT: escape(self.about), HIDDEN: hidden}
        drawn = outline(self.label, self.css, self.form, self.initial, self.choices)
        return OWN.sub(lambda found: own[found[0]], drawn)


# The key that opens the form of an act, or goes to its button, on the card that has the focus.
SINGLE_KEYS = {
    **dict.fromkeys(["Approve", "Assign", "Answer", "Accept"], "a"),
    "Complete": "c",
    **dict.fromkeys(["I have it", "Give it back"], "h"),
    **dict.fromkeys(["Pause", "End the pause"], "p"),
    "Resolve": "r",
    **dict.fromkeys(["Start", "Start without a builder"], "s"),
    "Unblock": "u",
}

# What stands in an outline for what each offer has of its own.
KEY, URL, ABOUT, HIDDEN = (f"{name}-of-the-offer" for name in ("key", "url", "about", "hidden"))
OWN = re.compile("|".join((KEY, URL, ABOUT, HIDDEN)))


@lru_cache(maxsize=400)
def outline(
    label: str,
    css: str,
    form: type[forms.Form] | None,
    initial: Pairs,
    choices: tuple[tuple[str, ...], ...],
) -> str:
    """Render an offer without its own values: a page has a hundred, of a few kinds."""
    more: dict[str, Any] = {"choices": choices} if choices else {}
    blank = form and form(auto_id=f"{KEY}-%s", initial=dict(initial), **more)
    own = {"key": KEY, "url": URL, "about": ABOUT, "hidden": HIDDEN}
    context = {"label": label, "css": css, "form": blank, "single": SINGLE_KEYS.get(label), **own}
    return render_to_string("components/offer.html", context)


class InvalidForm(Exception):
    """A form was sent with something missing or wrong: 422, with what was typed."""

    def __init__(self, form: forms.Form) -> None:
        super().__init__(form.errors.as_text())
        self.form = form


class OverrideForm(forms.Form):
    """The reason to override lifecycles and gates; without the field, none."""

    override = TextField(
        label="Reason for the override",
        required=False,
        widget=forms.Textarea({"rows": 2, "required": True}),
        help_text="Stays on the page and in the evidence for ever.",
    )

    def clean_override(self) -> str:
        reason = self.cleaned_data["override"]
        if "override" in self.data and not reason:
            raise forms.ValidationError("Enter a reason for the override.", code="required")
        return reason


class ReasonForm(forms.Form):
    reason = TextField(
        label="Reason",
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": "Enter a reason."},
        help_text="Kept in the evidence.",
    )


def cleaned_or_422(request: HttpRequest, form_class: type[forms.Form]) -> Mapping[str, Any]:
    """Return the values of the form, or raise `InvalidForm`."""
    form = form_class(request.POST)
    if not form.is_valid():
        raise InvalidForm(form)
    return form.cleaned_data


def respond_done(request: HttpRequest, said: str, back: Any) -> HttpResponse:
    """Answer with what was done. A page with script refreshes its parts; without, it reloads."""
    if wants_part(request):
        response = HttpResponse(status=204)
        trigger_client_event(response, "said", {"words": said})
        return trigger_client_event(response, "tick")
    messages.success(request, said)
    return redirect(came_from(request) or back)


def decide[Row: Model](
    request: HttpRequest,
    model: type[Row],
    pk: Any,
    act: Callable[..., object],
    words: str | Callable[[Row], str],
    form: type[forms.Form] | None = None,
) -> HttpResponse:
    """Execute a person's decision about a row with the values of its form, and answer.

    `words` may name the row as {}, or be asked of it when the act is done.
    """
    row = get_object_or_404(model, pk=pk)
    act(row, by=request.user, **(cleaned_or_422(request, form) if form else {}))
    said = words.format(row) if isinstance(words, str) else words(row)
    return respond_done(request, said, row)


def shown_once(response: HttpResponse) -> HttpResponse:
    """Mark an answer that holds a secret: it is stored nowhere, and not repeated."""
    response.shown_once = True  # type: ignore[attr-defined]
    return response


def is_shown_once(response: Any) -> bool:
    return getattr(response, "shown_once", False)


def came_from(request: HttpRequest) -> str:
    """Return the page of the office that a form was sent from, if it says so."""
    address = request.POST.get("next", "")
    known = url_has_allowed_host_and_scheme(address, request.get_host(), request.is_secure())
    return address if known else ""


def shared(context: RequestContext) -> dict[str, Any]:
    """Return the part of the page's context that a form in an included part needs."""
    return {"request": context["request"], "csrf_token": context.get("csrf_token")}
