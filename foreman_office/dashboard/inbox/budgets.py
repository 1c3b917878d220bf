"""Budgets that are spent, or nearly: each is a decision of the inbox."""

from builders.models import Builder
from foreman_office.dashboard.available_actions import offer_budget
from foreman_office.dashboard.explain.problems import OpenProblem
from governance.models import Budget
from kit.web.templatetags.numbers import money


def budget_problem(budget: Budget) -> OpenProblem:
    """Return a decision about a budget: raise it, or let the work end."""
    entity = budget.program or budget.builder
    is_spent = budget.spent >= (budget.amount or 0)
    during = " this month" if isinstance(entity, Builder) else ""
    assigned = "Tasks of it can still be assigned."
    if budget.is_gate:
        assigned = (
            "No task of it can be assigned."
            if is_spent
            else "Once it is spent, no task of it can be assigned."
        )
    return OpenProblem(
        "budget" if is_spent else "spending",
        entity,
        "",
        "blocked" if is_spent else "waiting",
        "Budget spent" if is_spent else "Budget nearly spent",
        f"{money(budget.spent)} of {money(budget.amount or 0)} are spent{during}:"
        f" {budget.share} %.",
        "Work goes on and costs more.",
        assigned if budget.program_id else "It can still be assigned tasks.",
        "Raise the budget, or take it away.",
        budget.set_at,
        [offer_budget(entity, budget)],
    )
