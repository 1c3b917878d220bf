"""The messages that left, are to leave, or did not arrive."""

from operator import attrgetter

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django_filters import CharFilter, ChoiceFilter, DateTimeFilter, FilterSet

from foreman_office.dashboard.filters import MOMENT
from foreman_office.notifications import actions
from foreman_office.notifications.queue import worker_is_alive
from governance.models import Delivery
from kit.core.roles import decides, may_decide, oversees
from kit.runtime.database.members import as_office
from kit.web.decision_forms import ActionButton, respond_done
from kit.web.htmx import render_page
from kit.web.listing import Listing, Sort

SORTS = {"queued": Sort("Queued", "queued_at", descending=True)}
COLUMNS = {
    name: attrgetter(name)
    for name in (
        *("delivery_id", "queued_at", "state", "why", "reason", "addressee", "subject"),
        *("attempts", "finished_at", "settled_at", "settled_by"),
    )
}


class DeliveryFilter(FilterSet):
    q = CharFilter(label="Subject", field_name="subject", lookup_expr="icontains")
    state = ChoiceFilter(label="State", choices=Delivery.State, empty_label="any")
    reason = ChoiceFilter(label="Reason", choices=Delivery.Reason, empty_label="any")
    addressee = CharFilter(field_name="target", widget=forms.HiddenInput)
    since = DateTimeFilter(label="From", field_name="queued_at", lookup_expr="gte", widget=MOMENT)

    class Meta:
        model = Delivery
        fields: list[str] = []


@oversees
def deliveries(request: HttpRequest) -> HttpResponseBase:
    listing = Listing(
        request, Delivery.objects.all(), DeliveryFilter, SORTS, noun="message", key="delivery_id"
    )
    if "export" in request.GET:
        return listing.export(COLUMNS)
    return render_page(
        request, "notifications/deliveries.html", {"listing": listing}, parts=["list"]
    )


@oversees
def delivery(request, pk):
    """Show one message: its text, its state, and why it is in it."""
    row = get_object_or_404(Delivery.objects.prefetch_related("notices"), pk=pk)
    offers = []
    if row.state == Delivery.State.FAILED and may_decide(request):
        address = reverse("delivery_resend", args=[pk])
        offers = [ActionButton(f"resend-{pk}", address, "Send again", row.addressee)]
    with as_office():  # the queue is no member's
        no_worker = row.state == Delivery.State.QUEUED and not worker_is_alive()
    context = {"delivery": row, "offers": offers, "no_worker": no_worker}
    return render_page(request, "notifications/delivery.html", context, parts=["message"])


@decides
def delivery_resend(request, pk):
    actions.send_again(Delivery.objects.filter(pk=pk), by=request.user)
    return respond_done(request, "The message is queued again.", reverse("delivery", args=[pk]))


@decides
def deliveries_resend(request: HttpRequest, target: str) -> HttpResponse:
    rows = Delivery.objects.given_up().filter(target=target)
    number = actions.send_again(rows, by=request.user)
    return respond_done(request, f"Queued again: {number}.", reverse("deliveries"))


@decides
def deliveries_set_aside(request: HttpRequest, target: str) -> HttpResponse:
    number = actions.set_aside(Delivery.objects.filter(target=target), by=request.user)
    return respond_done(request, f"Set aside: {number}.", reverse("deliveries"))
