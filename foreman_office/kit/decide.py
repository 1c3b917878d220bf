"""How a decision is offered, asked for and answered: in place by htmx, by plain forms without."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import trigger_client_event

from foreman_office.kit.forms import TextField
from foreman_office.kit.htmx import wants_part

type Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Offer:
    """Something that may be decided: where it is posted, how the button says it, what it asks."""

    key: str  # the id of its element, of which there is one on a page
    url: str
    label: str
    about: str  # what it is about, for those who hear the button alone
    form: type[forms.Form] | None = None
    main: bool = False
    initial: Pairs = ()  # of the form
    choices: Pairs = ()  # of a form whose choices depend on how things stand

    def draw(self, hidden: str) -> str:
        """Draw the button, with the form that it opens if it asks for something.

        An inbox has a hundred of these. `hidden` are the fields that each form on a page has.
        """
        url, label = escape(self.url), escape(self.label)
        about = f'<span class="hidden-words"> ({escape(self.about)})</span>'
        css = "button main-act" if self.main else "button"
        sent = f'method="post" action="{url}" hx-post="{url}"'
        sent += ' hx-target="find .answer" hx-swap="innerHTML"'
        answer = '<div class="answer" role="alert"></div>'
        if not self.form:
            return (
                f'<form class="offer" id="{self.key}" {sent}>{hidden}'
                f'<button type="submit" class="{css}">{label}{about}</button>{answer}</form>'
            )
        fields = blank(self.form, self.initial, self.choices).replace(KEY, self.key)
        return (
            f'<details class="offer" id="{self.key}">'
            f'<summary class="{css}">{label}…{about}</summary>'
            f"<form {sent}>{hidden}{fields}{answer}"
            f'<button type="submit" class="button main-act">{label}{about}</button>'
            "</form></details>"
        )


KEY = "key-of-the-offer"  # stands in the ids of a form until it is offered


@lru_cache(maxsize=200)
def blank(form: type[forms.Form], initial: Pairs, choices: Pairs) -> str:
    """Draw a form that nobody has filled in: it is the same in each offer but for its ids."""
    more: dict[str, Any] = {"choices": choices} if choices else {}
    made = form(auto_id=f"{KEY}-%s", initial=dict(initial), **more)
    return render_to_string("components/fields.html", {"form": made})


class Unfilled(Exception):
    """A form came back with something missing or wrong: 422, with what was typed."""

    def __init__(self, form: forms.Form) -> None:
        super().__init__(form.errors.as_text())
        self.form = form


class OverrideForm(forms.Form):
    """The reason to force what lifecycles and gates would refuse; without the field, none."""

    override = TextField(
        label="Why it is forced all the same",
        required=False,
        widget=forms.Textarea({"rows": 2, "required": True}),
        help_text="Stays on the page and in the evidence for ever.",
    )

    def clean_override(self) -> str:
        reason = self.cleaned_data["override"]
        if "override" in self.data and not reason:
            raise forms.ValidationError("Say why it is forced.", code="required")
        return reason


class ReasonForm(forms.Form):
    reason = TextField(
        label="Why",
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": "Say why."},
        help_text="Kept in the evidence.",
    )


def filled(request: HttpRequest, form_class: type[forms.Form]) -> Mapping[str, Any]:
    """Return what the form was filled with, or raise `Unfilled`."""
    form = form_class(request.POST)
    if not form.is_valid():
        raise Unfilled(form)
    return form.cleaned_data


def decided(request: HttpRequest, said: str, back: Any) -> HttpResponse:
    """Say what was done. A page with script asks its parts again; without, it is shown anew."""
    if wants_part(request):
        response = HttpResponse(status=204)
        trigger_client_event(response, "said", {"words": said})
        return trigger_client_event(response, "tick")
    messages.success(request, said)
    return redirect(came_from(request) or back)


def came_from(request: HttpRequest) -> str:
    """Return the page of ours that a form was sent from, if it says so."""
    address = request.POST.get("next", "")
    known = url_has_allowed_host_and_scheme(address, request.get_host(), request.is_secure())
    return address if known else ""
