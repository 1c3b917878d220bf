"""Budgets: set with a reason, warned of, decided about, and a condition of assigning by choice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders.actions import assign_task
from foreman_office.rules import explain, remedies
from foreman_office.rules.cases import Case
from governance.actions import set_budget
from governance.gates import conditions
from governance.models import Budget, Evidence, measure_budgets
from kit.core.acts import Refused, act
from programs.models import Program
from tests.dashboard.inbox.decisions import list_decisions
from tests.dashboard.spend.test_spend_pages import use
from tests.factories import BuilderFactory, TaskFactory
from tests.scenes import make_ready, past_the_rules

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def budget_cards():
    measure_budgets(timedelta(0))
    return [card for card in list_decisions() if card.kind in ("budget", "spending")]


def spend(task, dollars, **more):
    use(task, dollars, kind="cost", **more)


def set_on(client, of, **given):
    kind = "programs:program_budget" if isinstance(of, Program) else "builders:builder_budget"
    return client.post(reverse(kind, args=[of.pk]), {"reason": "The client pays it."} | given)


# --- measured -------------------------------------------------------------------------------------


def test_a_budget_is_warned_of_and_then_a_decision_under_one_key_each(task):
    program = task.wave.program
    set_budget(program, amount=Decimal(10), reason="It is enough.", by=None)
    spend(task, "7.99")
    assert budget_cards() == []
    spend(task, "0.01")
    [card] = budget_cards()
    assert (card.title, card.key) == ("Budget nearly spent", f"spending-program-{program.pk}")
    assert "$8.00 of $10.00 are spent: 80 %." in card.happened
    spend(task, 2)
    [card] = budget_cards()
    assert (card.title, card.key) == ("Budget spent", f"budget-program-{program.pk}")
    assert [each.label for each in card.offers] == ["Change the budget"]
    past_the_rules(program, state="completed")
    assert budget_cards() == []


def test_estimates_count_where_no_cost_is_told(task):
    program = task.wave.program
    use(task, 1_000_000)  # at 2 dollars for a million
    spend(task, 1)
    use(task, 500_000, session="told")  # of a session that tells its cost
    use(TaskFactory(), 9_000_000)
    assert set_budget(program, amount=Decimal(10), reason="So.", by=None).spent == 3


def test_a_builders_budget_is_of_this_month(builder):
    spend(None, 5)
    spend(None, 100, ago=32 * DAY)
    spend(None, 100, builder="qa-builder")
    budget = set_budget(builder, amount=Decimal(5), reason="A month.", by=None)
    assert budget.spent == 5
    [card] = budget_cards()
    assert "this month" in card.happened
    assert card.entity == builder


def test_the_watcher_measures_once_a_minute(task):
    set_budget(task.wave.program, amount=Decimal(10), reason="So.", by=None)
    spend(task, 9)
    measure_budgets(timedelta(minutes=1))
    assert Budget.objects.get().spent == 0
    Budget.objects.update(measured_at=now() - timedelta(minutes=2))
    measure_budgets(timedelta(minutes=1))
    assert Budget.objects.get().spent == 9


# --- the gate -------------------------------------------------------------------------------------


def test_by_choice_of_the_program_no_task_is_assigned_once_it_is_spent():
    task, builder = make_ready(), BuilderFactory(state="idle")
    program = task.wave.program
    spend(task, 10)
    set_budget(program, amount=Decimal(10), reason="So.", by=None)
    asked = {each.rule for each in conditions(task, "assigned", builder=builder)}
    assert "within_budget" not in asked
    set_budget(program, amount=Decimal(10), reason="So.", is_gate=True, by=None)
    unmet = [each for each in conditions(task, "assigned", builder=builder) if not each.met]
    assert [(each.rule, each.detail) for each in unmet] == [
        ("within_budget", "10.00 of 10.00 US dollars are spent.")
    ]
    case = Case(task)
    assert explain(unmet[0], case).words == "The program is within its budget"
    [remedy] = remedies(unmet, case)
    assert remedy.words.startswith(f"Raise the budget of “{program}”")
    assert remedy.address == f"{program.get_absolute_url()}#spend"
    with pytest.raises(Refused) as caught:
        assign_task(task, builder, by=None)
    assert [each["rule"] for each in caught.value.unmet if not each["met"]] == ["within_budget"]
    set_budget(program, amount=Decimal(11), reason="The client pays more.", is_gate=True, by=None)
    assign_task(task, builder, by=None)


# --- on the pages ---------------------------------------------------------------------------------


def test_a_foreman_sets_raises_and_takes_away_a_budget_with_a_reason(person, task):
    program = task.wave.program
    assert set_on(person, program, amount="12.50", is_gate="on").status_code == 302
    budget = Budget.objects.get()
    assert (budget.program, budget.amount, budget.is_gate) == (program, Decimal("12.5"), True)
    spend(task, 10)
    measure_budgets(timedelta(0))
    page = person.get(program.get_absolute_url()).text
    assert "$10.00 of $12.50" in page
    assert "The client pays it." in page
    assert "80 %" in page
    assert "Once it is spent, no task of the program can be assigned." in page
    assert set_on(person, program, amount="20", reason="More.").status_code == 302
    assert set_on(person, program, amount="", reason="No end.").status_code == 302
    page = person.get(program.get_absolute_url()).text
    assert "No end." in page  # in its evidence
    assert "Set a budget" in page
    acts = Evidence.objects.of(program).filter(action__startswith="budget_").order_by("sequence")
    assert [(act.action, act.context["snapshot"]["reason"]) for act in acts] == [
        ("budget_recorded", "The client pays it."),
        ("budget_edited", "More."),
        ("budget_edited", "No end."),
    ]
    assert {act.context["user"] for act in acts} == {"johan"}
    assert "spent" not in str([act.context["changes"] for act in acts[1:]])


def test_a_budget_that_cannot_be_one_is_refused(person, builder, task):
    for of in (builder, task.wave.program):
        for wrong in ({"amount": "0"}, {"amount": "-1"}, {"amount": "much"}, {"amount": "1.005"},
                      {"amount": "5", "reason": " "}):  # fmt: skip
            assert set_on(person, of, **wrong).status_code == 422, wrong
    assert not Budget.objects.exists()
    assert set_on(person, builder, amount="5").status_code == 302
    page = person.get(builder.get_absolute_url()).text
    assert "$0.00 of $5.00" in page
    assert "this month" in page


def test_what_a_budget_must_be_holds_past_every_form(builder, task, sql):
    program = task.wave.program
    for columns, rule in (
        ({"program": program, "builder": builder}, "budgets_of_one_check"),
        ({}, "budgets_of_one_check"),
        ({"builder": builder, "is_gate": True}, "budgets_of_one_check"),
        ({"program": program, "amount": 0}, "budgets_amount_check"),
        ({"program": program, "reason": " "}, "budgets_reason_check"),
    ):
        with pytest.raises(Refused) as caught:
            refused_row({"amount": 5, "reason": "So."} | columns)
        assert caught.value.rule == rule


def refused_row(columns):
    with act(None):
        Budget.objects.create(**columns)


def test_the_inbox_shows_the_card_with_its_form(person, task):
    set_budget(task.wave.program, amount=Decimal(5), reason="So.", by=None)
    spend(task, 5)
    measure_budgets(timedelta(0))
    page = person.get("/").text
    assert "Budget spent" in page
    assert 'name="amount"' in page
