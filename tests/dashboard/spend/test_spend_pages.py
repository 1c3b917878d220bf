"""What was spent, as pages: a panel of each thing, and a list with its trend and exports."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from builders.actions import count_usage
from builders.models import UsageHour, UsageKind, UsageSession, UsageSource
from builders.usage import DataPoint, Remark
from foreman_office.dashboard.spend.figures import Spend, usage_of
from kit.web.exports import as_json, as_text
from kit.web.templatetags.numbers import money
from tests.factories import BuilderFactory, TaskFactory, WaveFactory
from tests.scenes import past_the_rules, prepare

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
PRICE = Decimal("0.000002")


def use(task, amount, *, kind="input", model="m-1", builder="ui-builder", ago=0 * DAY, price=PRICE,
        session=""):  # fmt: skip
    """Count some usage of a builder for a task."""
    use.number += 1
    BuilderFactory(builder_id=builder)
    point = DataPoint(
        service="heartbeat",
        session=session or ("told" if kind == "cost" else "untold"),
        source=UsageSource.HEARTBEAT,
        digest=use.number.to_bytes(32, "big"),
        is_cumulative=False,
        model=model,
        kind=UsageKind(kind),
        part_of=None,
        started_ns=use.number,
        at_ns=int((now() - ago).timestamp() * 10**9),
        value=Decimal(str(amount)),
        task=task and task.pk,
        price=price,
    )
    count_usage(builder, [point])


use.number = 0


def spend(client, part=None, **query):
    headers = {"HX-Request": "true", "HX-Target": part} if part else {}
    return client.get(reverse("governance:spend"), query, headers=headers)


@pytest.fixture
def spent(db):
    """Two tasks of one wave: one with a cost that was told, one that is estimated."""
    told, estimated = TaskFactory.create_batch(2, wave=WaveFactory())
    use(told, "1.50", kind="cost")
    use(told, 5000, kind="output", session="told")
    use(estimated, 1_000_000)
    use(estimated, 700, model="m-2", price=None)
    use(None, 50_000, builder="qa-builder", ago=20 * DAY)
    return told, estimated


# --- the figures ----------------------------------------------------------------------------------


def test_a_cost_that_is_told_is_not_estimated_too(spent):
    told, estimated = (Spend(usage_of(task)).whole for task in spent)
    assert (told.told, told.estimated, told.unpriced, told.tokens_out) == (
        Decimal("1.5"),
        0,
        0,
        5000,
    )
    assert (estimated.told, estimated.estimated, estimated.unpriced) == (0, 2, 700)
    for entity in (spent[0].wave, spent[0].wave.program):
        assert Spend(usage_of(entity)).whole.cost == 3.5
    builder = BuilderFactory(builder_id="qa-builder")
    assert Spend(usage_of(builder)).whole.cost == 0.1


def test_money_has_cents_and_what_is_less_has_two_digits():
    shown = [money(Decimal(each)) for each in ("1234.5", "0", "0.5", "0.0123", "0.0000004", "1")]
    assert shown == ["$1,234.50", "$0.00", "$0.50", "$0.012", "$0.000000", "$1.00"]


# --- the panels -----------------------------------------------------------------------------------


def test_each_page_has_what_was_spent(person, spent):
    told, estimated = spent
    page = person.get(told.get_absolute_url()).text
    assert "$1.50" in page
    assert "estimated" not in page
    page = person.get(estimated.get_absolute_url()).text
    assert "$2.00" in page
    assert "all of it estimated by the price list" in page.replace("\n", " ")
    assert "700 tokens have no price" in page
    for entity in (told.wave, told.wave.program):
        page = person.get(entity.get_absolute_url()).text
        assert "$3.50" in page
        assert "of which $2.00 is estimated" in page
    page = person.get(reverse("builders:builder", args=["qa-builder"])).text
    assert "$0.10" in page


def test_a_page_of_what_has_no_usage_hides_the_panel(person):
    page = person.get(TaskFactory().get_absolute_url()).text
    assert 'aria-labelledby="spend-title" hidden' in page
    assert "No usage is reported." in person.get("/builders/ui-builder/").text


def test_a_program_has_its_cost_per_verified_task(person, spent, sql):
    told, estimated = spent
    program = told.wave.program
    assert "per verified task" not in person.get(program.get_absolute_url()).text
    for task in spent:
        prepare(task)
        past_the_rules(task, state="completed")
    # Completed by force is not verified.
    assert "per verified task" not in person.get(program.get_absolute_url()).text
    green(told)
    assert "$3.50 per verified task" in person.get(program.get_absolute_url()).text
    green(estimated)
    assert "$1.75 per verified task" in person.get(program.get_absolute_url()).text


def green(task):
    from tests.factories import QAExecutionFactory

    QAExecutionFactory(task=task, passing_tests=5, failing_tests=0)


def test_what_was_not_understood_is_on_the_page_of_the_builder(person, builder):
    count_usage("ui-builder", [], [Remark("<b>my.counter", "This metric is not known.")] * 2)
    page = person.get(builder.get_absolute_url()).text
    assert "&lt;b&gt;my.counter" in page
    assert "2 times" in page


def test_a_bad_price_list_is_named_on_the_pages(person, spent, settings, tmp_path):
    file = tmp_path / "prices.yaml"
    file.write_text("models: 5")
    settings.FOREMAN_PRICES = str(file)
    sentence = "`models` has to be a mapping"
    assert sentence in spend(person).text
    assert sentence in person.get(spent[0].get_absolute_url()).text


# --- the list -------------------------------------------------------------------------------------


def rows(answer):
    return [(row.name, round(row.cost, 6)) for row in answer.context["listing"].rows]


def test_the_list_sums_up_by_what_is_asked(person, spent):
    told, estimated = spent
    hours = UsageHour.objects.order_by("-hour").values_list("hour", flat=True)
    today, then = (f"{hours.first():%Y-%m-%d}", f"{hours.last():%Y-%m-%d}")
    expected = {
        "model": [("m-1", 3.6), ("m-2", 0)],
        "builder": [("ui-builder", 3.5), ("qa-builder", 0.1)],
        "program": [(told.wave.program.name, 3.5), ("(no task)", 0.1)],
        "wave": [(told.wave.name, 3.5), ("(no task)", 0.1)],
        "task": [(estimated.name, 2), (told.name, 1.5), ("(no task)", 0.1)],
        "day": [(today, 3.5), (then, 0.1)],
    }
    for group, found in expected.items():
        assert rows(spend(person, by=group)) == found, group
    assert rows(spend(person, sort="name")) == [("m-1", 3.6), ("m-2", 0)]
    assert rows(spend(person, by="builder", days="7")) == [("ui-builder", 3.5)]
    assert rows(spend(person, by="builder", model="M-2")) == [("ui-builder", 0)]
    assert rows(spend(person, by="builder", program=told.wave.program_id)) == [("ui-builder", 3.5)]
    assert rows(spend(person, builder="qa-builder")) == [("m-1", 0.1)]


def test_the_page_has_its_figures_and_a_chart_with_its_table(person, spent):
    page = spend(person)
    assert page.context["whole"]().cost == pytest.approx(3.6)
    chart = page.context["chart"]()
    assert [bar.drawn for bar in chart.bars] == ["hatched", "hatched"]
    assert "$3.60 in all" in chart.summary
    assert "3.50 $" in page.text
    assert "$3.50, $2.00 of it estimated" in page.text
    assert "<html" not in spend(person, part="list").text


def test_it_can_be_exported(person, spent):
    answer = spend(person, by="task", export="csv")
    content = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    exported = [*csv.DictReader(io.StringIO(content))]
    assert [row["name"] for row in exported] == [spent[1].name, spent[0].name, "(no task)"]
    assert Decimal(exported[1]["told_usd"]) == Decimal("1.5")
    assert as_text(Decimal("0E-12")) == json.loads(as_json(Decimal("0E-12"))) == "0.000000000000"
    answer = spend(person, by="day", export="json")
    exported = json.loads(b"".join(answer.streaming_content))
    assert [row["tokens_without_a_price"] for row in exported] == [700, 0]


def test_a_filter_that_is_not_valid_is_named(person, spent):
    for wrong in ({"days": "3"}, {"by": "moon"}, {"builder": "nobody"}):
        page = spend(person, **wrong)
        assert page.status_code == 200
        assert "A filter is not valid." in page.text, wrong


def test_an_office_without_usage_has_an_empty_page(person):
    assert "Nothing was spent." in spend(person).text


def test_the_page_asks_no_more_for_more_rows(person, spent, django_assert_max_num_queries):
    for task in TaskFactory.create_batch(6):
        use(task, 10)
    for group in ("task", "day"):
        with django_assert_max_num_queries(14):
            spend(person, by=group)


def test_what_is_exported_and_told_in_heartbeats_is_counted_once_and_the_page_says_so(person, sql):
    task, other = TaskFactory(), TaskFactory()
    for about in (task, other):
        use(about, "1.50", kind="cost", ago=timedelta(0))
    assert "told twice" not in spend(person).text
    exported = UsageHour.objects.get(task=task)
    use(task, "2", kind="cost", ago=timedelta(0), session="exported")
    UsageHour.objects.filter(usage_session__session="exported").update(source=4)
    UsageSession.objects.filter(session="exported").update(cost_from=4)
    use(task, "8", kind="cost", ago=timedelta(hours=2))  # an hour that was not exported

    assert exported.amount == Decimal("1.5")
    assert Spend(usage_of(task)).whole.told == 10
    assert Spend(usage_of(other)).whole.told == Decimal("1.5")
    ((of_program,),) = sql("SELECT governance_spent(%s, NULL)", task.wave.program_id)
    ((of_builder,),) = sql("SELECT governance_spent(NULL, 'ui-builder')")
    assert of_program == 10
    assert of_builder == Decimal("11.5")
    page = spend(person).text
    assert "1 hour of work was told twice" in page
    assert "$11.50" in page
