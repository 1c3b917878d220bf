"""The shift handover: what happened since a person has read it last, and what waits."""

from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.http import require_POST

from foreman_office.dashboard.handover.content import Handover, tell_handover
from foreman_office.dashboard.handover.markdown import handover_as_markdown
from foreman_office.notifications.actions import send_handover
from foreman_office.notifications.rules import people_with_address
from governance.actions import read_handover
from governance.handover import (
    LastReading,
    is_at_end,
    is_known,
    last_reading,
    place_between,
    settled_numbers,
)
from governance.record_places import LONGEST_PLACE, Place
from kit.core.roles import decides, may_decide, reads
from kit.core.snapshot import snapshot
from kit.web.decision_forms import cleaned_or_422, respond_done
from kit.web.htmx import render_page

NO_PLACE = "The record of the office has no such place."


class PlaceField(forms.Field):
    """A place in the record, as an address has it."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Place | None:
        try:
            return Place.parse(value[:LONGEST_PLACE]) if value else None
        except ValueError as error:
            raise forms.ValidationError(NO_PLACE, code="invalid") from error


class SpanForm(forms.Form):
    """A span of the record, as an address may have it."""

    since = PlaceField(required=False)
    until = PlaceField(required=False)


class HandoverReadForm(forms.Form):
    place = PlaceField()


class HandoverMailForm(forms.Form):
    """To whom a handover is sent."""

    since = PlaceField()
    until = PlaceField()
    person = forms.TypedChoiceField(label="To")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = {str(each): each for each in people_with_address().values()}
        field: Any = self.fields["person"]
        field.choices, field.coerce = [(name, name) for name in people], people.__getitem__


class ReadHandover(NamedTuple):
    """A handover, and where its reader had read to before."""

    handover: Handover
    reading: LastReading
    is_own: bool  # it begins where its reader has read to


def read_between(user: Any, since: Place | None, until: Place | None) -> ReadHandover:
    """Return the handover of a span: by itself from where a person has read to until now."""
    if not all(is_known(place) for place in (since, until) if place):
        raise Http404(NO_PLACE)
    settled = settled_numbers()
    with snapshot():
        reading = last_reading(user)
        begin = since or reading.place
        end = place_between(begin, until, settled)
        told = tell_handover(
            begin, end, is_cut=not (is_at_end(end) if until is None else end == until)
        )
    return ReadHandover(told, reading, since in (None, reading.place))


@reads
def handover(request: HttpRequest) -> HttpResponseBase:
    """Show a handover, or answer with it as Markdown."""
    form = SpanForm(request.GET)
    if not form.is_valid():
        raise Http404(NO_PLACE)
    read = read_between(request.user, **form.cleaned_data)
    if "export" in request.GET:
        return as_file(request, read.handover)
    told = read.handover
    people = people_with_address().values() if settings.FOREMAN_MAIL_IS_SET_UP else ()
    context = {
        "told": told,
        "reading": read.reading,
        "is_own": read.is_own,
        "office": request.get_host(),
        "span": f"?since={told.since}&until={told.until}",
        "people": people if may_decide(request) else (),
    }
    return render_page(request, "handover/handover.html", context)


def as_file(request: HttpRequest, told: Handover) -> HttpResponse:
    text = handover_text(request, told)
    name = f"handover-{localtime(told.as_of):%Y-%m-%d-%H%M}.md"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(text, content_type="text/markdown; charset=utf-8", headers=headers)


def handover_text(request: HttpRequest, told: Handover) -> str:
    person = request.user.get_username()
    return handover_as_markdown(told, office=request.get_host(), person=person)


@reads
@require_POST
def handover_read(request: HttpRequest) -> HttpResponse:
    """Move the place up to which a person has read; it holds on all their devices."""
    place = cleaned_or_422(request, HandoverReadForm)["place"]
    read_handover(request.user, place, by=request.user)
    return respond_done(request, "You have read the handover.", reverse("handover"))


@decides
def handover_mail(request: HttpRequest) -> HttpResponse:
    """Send a handover to a foreman's e-mail address."""
    asked = cleaned_or_422(request, HandoverMailForm)
    told = read_between(request.user, asked["since"], asked["until"]).handover
    by = request.user.get_username()
    link = f"{reverse('handover')}?since={told.since}&until={told.until}"
    body = handover_text(request, told)
    if settings.FOREMAN_URL:
        body += f"\n{settings.FOREMAN_URL.rstrip('/')}{link}\n"
    subject = f"Shift handover by {by}: {told.words}"
    send_handover(asked["person"], subject=subject, body=body, by=request.user)
    said = f"The handover is queued for {asked['person'].get_username()}."
    return respond_done(request, said, link)
