"""The tag of a builder's tokens."""

from typing import Any

from django import forms, template
from django.template.context import RequestContext

from builders.models import Builder
from foreman_office.dashboard import available_actions
from kit.core.roles import may_decide
from kit.web.decision_forms import shared

register = template.Library()

TOKENS_LISTED = 10


@register.inclusion_tag("components/tokens.html", takes_context=True)
def tokens(context: RequestContext, builder: Builder) -> dict[str, Any]:
    """Show the tokens of a builder, with the forms that issue and revoke them for a foreman."""
    rows = list(builder.tokens.order_by("-created_at")[:TOKENS_LISTED])
    decides = may_decide(context["request"])
    for row in rows:
        row.offers = []
        if decides and row.revoked_at is None:
            row.offers = [
                available_actions.offer(row, "builders:token_revoke", "Revoke", forms.Form)
            ]
    issue = available_actions.offer(builder, "builders:builder_issue_token", "Issue a token")
    return {"tokens": rows, "issue": [issue] if decides else [], **shared(context)}
