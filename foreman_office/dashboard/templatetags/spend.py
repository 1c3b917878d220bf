"""What something cost, as a panel of its page."""

from typing import Any

from django import template
from django.template.context import RequestContext
from django.urls import reverse

from builders.models import Builder
from foreman_office.dashboard.available_actions import offer_budget
from foreman_office.dashboard.spend.figures import Spend, price_list_fault, usage_of, verified
from governance.models import Budget
from kit.core.roles import may_decide
from kit.runtime.database.members import organisation_in_use
from kit.web.decision_forms import shared
from programs.models import Program, Task, Wave

register = template.Library()


@register.inclusion_tag("components/spend.html", takes_context=True)
def spend_of(context: RequestContext, entity: Task | Wave | Program | Builder) -> dict[str, Any]:
    """Show what was spent for a task, wave or program, or by a builder in the last 30 days."""
    spend, address = Spend(usage_of(entity)), reverse("governance:spend")
    shown: dict[str, Any] = {"spend": spend, "fault": price_list_fault()}
    match entity:
        case Wave() if spend.models:
            shown |= per_task(spend, wave=entity)
        case Program():
            shown |= {"more": f"{address}?program={entity.pk}&by=task&days=365"}
            shown |= per_task(spend, wave__program=entity) if spend.models else {}
            shown |= budget_of(context, entity, program=entity)
        case Builder():
            remarks = entity.usage_remarks.order_by("-last_at", "-pk")
            if organisation_in_use():  # what was not understood may be of any organisation's work
                remarks = remarks.none()
            shown |= {"more": f"{address}?builder={entity.pk}&by=task", "is_builder": True}
            shown |= {"remarks": remarks} | budget_of(context, entity, builder=entity)
    return shown | shared(context)


def per_task(spend: Spend, **of: Any) -> dict[str, Any]:
    done = verified(Task.objects.filter(**of)).count()
    return {"verified": done, "each": spend.whole.cost / done if done else None}


def budget_of(context: RequestContext, entity: Program | Builder, **of: Any) -> dict[str, Any]:
    """Return the budget of a program or builder, and the offer to set it."""
    budget = Budget.objects.filter(**of).first()
    offers = [offer_budget(entity, budget)] if may_decide(context["request"]) else []
    return {"budget": budget if budget and budget.amount else None, "offers": offers, "owns": True}
