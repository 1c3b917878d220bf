"""Addressees whom messages did not reach: a decision for each, as long as messages are given up."""

from collections.abc import Iterable

from django.db.models import Count
from django.urls import reverse

from foreman_office.dashboard.explain.problems import OpenProblem
from foreman_office.rules import Remedy
from governance.models import Delivery
from kit.web.decision_forms import ActionButton
from kit.web.templatetags.numbers import some


def delivery_problems(firsts: Iterable[Delivery]) -> list[OpenProblem]:
    """Return the problems of the addressees of some messages, each the first that was given up."""
    found = list(firsts)
    if not found:
        return []
    given_up = Delivery.objects.given_up().order_by().values_list("target", "organisation_id")
    counted = given_up.filter(target__in=[each.target for each in found]).annotate(Count("pk"))
    numbers = {(target, organisation): number for target, organisation, number in counted}
    return [
        _addressee_problem(each, numbers.get((each.target, each.organisation_id), 1))
        for each in found
    ]


def _addressee_problem(first: Delivery, number: int) -> OpenProblem:
    listed = f"{reverse('deliveries')}?state=failed&addressee={first.target}"
    return OpenProblem(
        "delivery",
        None,
        "-".join(filter(None, [first.target, str(first.organisation_id or "")])),
        "failed",
        f"{some(number, 'message')} did not reach {first.addressee}",
        first.why,
        "People who should know what is broken are not told.",
        "Further messages are tried, and may fail too.",
        "Mend the channel or the address, then send the messages again; or set them aside.",
        first.queued_at,
        [
            _offer(first, "deliveries_resend", "Send again"),
            _offer(first, "deliveries_set_aside", "Set aside"),
        ],
        organisation=first.organisation_id,
        links=[Remedy("See these messages", listed)],
    )


def _offer(first: Delivery, act: str, label: str) -> ActionButton:
    return ActionButton(
        f"{act}-{first.target}", reverse(act, args=[first.target]), label, first.addressee
    )
