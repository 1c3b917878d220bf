"""The page of one's notifications: the rules by which one is told, and whether that works."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from foreman_office.dashboard.notifications.forms import RuleForm
from foreman_office.notifications import actions
from foreman_office.notifications.rules import Target, rules_in_force
from governance.models import Channel, Delivery, NotificationRule
from kit.core.acts import Refused
from kit.core.roles import may_oversee, reads
from kit.runtime.database.members import as_office, organisation_in_use
from kit.web.decision_forms import respond_done

SHOWN = 5  # of the last messages to oneself


@reads
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Show the rules, and take a new one: of the reader, or of the office from who oversees it."""
    for_office = "office" in request.GET and may_oversee(request)
    rule = NotificationRule(user=None if for_office else request.user)
    form = RuleForm(request.POST if request.method == "POST" else None, instance=rule, is_new=True)
    if form.is_valid():
        actions.save_rule(rule, form.values, by=request.user)
        messages.success(request, "The rule is saved.")
        return redirect("notifications")
    context = {"form": form, "for_office": for_office, **standing(request)}
    return render(
        request, "notifications/notifications.html", context, status=422 if form.errors else 200
    )


def standing(request):
    """Return the rules of the reader and of the office, the channels, and the last messages."""
    target, organisation = Target(user=request.user), organisation_in_use()
    with as_office():
        rules = NotificationRule.objects.select_related("channel", "user", "next_user")
        own = list(own_rules(request.user, organisation, rules).order_by("created_at"))
        of_office = list(office_rules(organisation, rules).order_by("created_at"))
        usual = any(
            rule.row is None and (rule.scope is None or organisation in rule.scope)
            for rule in rules_in_force()
            if rule.target.key == target.key
        )
    return {
        "own": own,
        "of_office": of_office,
        "usual": usual,
        "channels": Channel.objects.order_by("name"),
        "last": Delivery.objects.filter(target=target.key).order_by("-queued_at")[:SHOWN],
        "oversees": may_oversee(request),
    }


@reads
@require_http_methods(["GET", "HEAD", "POST"])
def notification_rule(request, pk):
    rule = rule_of(request, pk)
    form = RuleForm(request.POST if request.method == "POST" else None, instance=rule, is_new=False)
    if form.is_valid():
        actions.save_rule(rule, form.values, by=request.user)
        messages.success(request, "The rule is saved.")
        return redirect("notifications")
    context = {"form": form, "rule": rule}
    status = 422 if form.errors else 200
    return render(request, "notifications/notification_rule.html", context, status=status)


@reads
@require_POST
def notification_rule_delete(request, pk):
    actions.delete_rule(rule_of(request, pk), by=request.user)
    return respond_done(request, "The rule is deleted.", reverse("notifications"))


@reads
@require_POST
def notifications_test(request):
    """Send a test message to one's own address; its page tells how that went."""
    if not request.user.email:
        raise Refused("no_address", "Your account has no e-mail address; an admin can enter one.")
    delivery = actions.send_test(Target(user=request.user), by=request.user)
    return redirect("delivery", pk=delivery.pk)


def rule_of(request, pk):
    """Return one's own rule, or one of the office for who oversees it."""
    organisation, every = organisation_in_use(), NotificationRule.objects.select_related("user")
    rules = own_rules(request.user, organisation, every)
    if may_oversee(request):
        rules |= office_rules(organisation, every)
    with as_office():
        return get_object_or_404(rules, pk=pk)


def own_rules(user, organisation, rules):
    """Return a person's rules where they work, with those from before there were organisations."""
    own = rules.filter(user=user)
    return own.filter(Q(organisation_id=organisation) | Q(organisation_id=None))


def office_rules(organisation, rules):
    """Return the rules of the office, or those of an organisation."""
    shared = rules.filter(user=None)
    return shared.filter(organisation_id=organisation) if organisation else shared
