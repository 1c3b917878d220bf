"""The tag of a builder's tokens."""

from typing import Any

from django import forms, template
from django.template.context import RequestContext

from builders.models import Builder
from foreman_office.dashboard import available_actions
from foreman_office.dashboard.forms import TokenForm
from kit.core.roles import may_decide
from kit.runtime.database.members import organisation_in_use
from kit.web.decision_forms import ActionButton, shared
from programs.models import Organisation

register = template.Library()

TOKENS_LISTED = 10


@register.inclusion_tag("components/tokens.html", takes_context=True)
def tokens(context: RequestContext, builder: Builder) -> dict[str, Any]:
    """Show the tokens of a builder, with the forms that issue and revoke them for a foreman."""
    rows = list(
        builder.tokens.select_related("organisation").order_by("-created_at")[:TOKENS_LISTED]
    )
    decides = may_decide(context["request"])
    for row in rows:
        row.offers = []
        if decides and row.revoked_at is None:
            row.offers = [
                available_actions.offer(row, "builders:token_revoke", "Revoke", forms.Form)
            ]
    issue = [offer_to_issue(builder)] if decides else []
    return {"tokens": rows, "issue": issue, **shared(context)}


def offer_to_issue(builder: Builder) -> ActionButton:
    """Return the offer of a token; who serves the whole office chooses for whom it is."""
    organisations = () if organisation_in_use() else organisation_choices()
    return available_actions.offer(
        *(builder, "builders:builder_issue_token", "Issue a token"),
        TokenForm if organisations else None,
        choices=organisations,
    )


def organisation_choices() -> tuple[tuple[str, str], ...]:
    return tuple((str(each.pk), each.name) for each in Organisation.objects.all())
