"""The channels: made, changed, tested and disabled by admins."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from foreman_office.dashboard.notifications.channel_form import ChannelForm
from foreman_office.notifications import actions
from foreman_office.notifications.rules import Target
from foreman_office.notifications.sending import new_secret
from governance.models import Channel
from kit.core.acts import name_of
from kit.core.roles import administers, may_administer, oversees
from kit.web.decision_forms import shown_once


@oversees
@sensitive_post_parameters("address", "secret")
@require_http_methods(["GET", "HEAD", "POST"])
def channels(request: HttpRequest) -> HttpResponse:
    """List the channels, and make a new one; its secret is shown in this answer alone."""
    may = may_administer(request)
    form = ChannelForm(request.POST if request.method == "POST" and may else None)
    if form.is_valid():
        return make_channel(request, form)
    context = {"channels": Channel.objects.order_by("name"), "form": form, "may_administer": may}
    status = 403 if request.method == "POST" and not may else 422 if form.errors else 200
    return render(request, "notifications/channels.html", context, status=status)


def make_channel(request, form):
    values = form.cleaned_data
    is_webhook = values["kind"] == Channel.Kind.WEBHOOK
    secret = (values["secret"] or new_secret()) if is_webhook else ""
    row = actions.save_channel(
        Channel(kind=values["kind"]),
        name=values["name"],
        address=values["address"],
        secret=secret,
        by=request.user,
    )
    if not is_webhook:
        messages.success(request, f"The channel {row} is made.")
        return redirect("channels")
    context = {"channel": row, "secret": secret}
    response = render(request, "notifications/channel_made.html", context)
    response.headers["Cache-Control"] = "no-store"
    return shown_once(response)


@administers
@sensitive_post_parameters("address", "secret")
@require_http_methods(["GET", "HEAD", "POST"])
def channel(request, pk):
    """Change a channel. What it has of address and secret is not shown, and stays if left empty."""
    row = get_object_or_404(Channel, pk=pk)
    form = ChannelForm(request.POST if request.method == "POST" else None, channel=row)
    if form.is_valid():
        names = ("name", "address", "secret")
        values = {name: form.cleaned_data.get(name, "") for name in names}
        actions.save_channel(row, **values, by=request.user)
        messages.success(request, f"The channel {row} is saved.")
        return redirect("channels")
    context = {"channel": row, "form": form}
    status = 422 if form.errors else 200
    return render(request, "notifications/channel.html", context, status=status)


@oversees
@require_POST
def channel_test(request, pk):
    """Send a test message by a channel; its page tells how that went."""
    target = Target(get_object_or_404(Channel, pk=pk))
    return redirect("delivery", pk=actions.send_test(target, by=request.user).pk)


@administers
@require_POST
def channel_enable(request, pk):
    actions.enable_channel(get_object_or_404(Channel, pk=pk), by=request.user)
    return redirect("channels")


@administers
@require_POST
def channel_disable(request, pk):
    because = f"By {name_of(request.user)}."
    actions.disable_channel(get_object_or_404(Channel, pk=pk), because=because, by=request.user)
    return redirect("channels")


@administers
@require_POST
def channel_delete(request, pk):
    actions.delete_channel(get_object_or_404(Channel, pk=pk), by=request.user)
    messages.success(request, "The channel is deleted.")
    return redirect("channels")
