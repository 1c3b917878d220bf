"""The price list: what it says, what is wrong with it, and what is estimated by it."""

import os
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from builders.actions import count_usage
from builders.models import UsageHour, UsageKind
from builders.prices import PriceListError, price_list, usable_prices
from foreman_office.checks import inert
from tests.builders.test_usage import point

GOOD = "models:\n  a-*: {input: 3, output: 15.5}\n  a-b*: {input: 4}\n  a-b-c: {input: 0}\n"
BAD = {
    "models: [": "is not YAML",
    "- models": "has to have one key, `models`",
    "models: {}\nmore: 1": "has to have one key, `models`",
    "models: [1]": "has to be a mapping",
    "models:\n  a: 3": "has to have prices by kind",
    "models:\n  a*b: {input: 3}": "is no name of a model",
    "models:\n  a: {inptu: 3}": "'inptu', which is none of",
    "models:\n  a: {cost: 3}": "'cost', which is none of",
    "models:\n  a: {input: '3'}": "is not a number",
    "models:\n  a: {input: yes}": "is not a number",
    "models:\n  a: {input: .nan}": "is not between",
    "models:\n  a: {input: -1}": "is not between",
    "models:\n  a: {input: 3}\n  a: {input: 4}": "a key appears twice",
    "models:\n  ? {}\n  : 1": "is not YAML",
    "\x01": "is not YAML",
    "#" * 300_000: "more than 256 KiB",
}


@pytest.fixture
def listed(settings, tmp_path):
    """Write the price list, and return what is read."""

    def listed(content):
        file = tmp_path / "prices.yaml"
        settings.FOREMAN_PRICES = str(file)
        file.write_text(content)
        listed.written += 1  # a file system may tell no two times of one moment apart
        os.utime(file, ns=(listed.written, listed.written))
        return price_list()

    listed.written = 0
    return listed


def test_the_longest_name_that_fits_has_the_price(listed):
    prices = listed(GOOD)
    asked = [("a-1", "input"), ("a-b1", "input"), ("a-b1", "output"), ("a-b-c", "input"),
             ("a-1", "output"), ("b", "input"), ("", "input")]  # fmt: skip
    found = [prices.price(*each) for each in asked]
    of_a_million = [None if price is None else price * 1_000_000 for price in found]
    assert of_a_million == [3, 4, None, 0, Decimal("15.5"), None, None]
    assert listed("models: {b: {input: 1}}").price("b", "input") == Decimal("0.000001")


def test_a_mistake_is_named_and_nothing_is_estimated_by_it(listed):
    for content, sentence in BAD.items():
        with pytest.raises(PriceListError) as caught:
            listed(content)
        assert sentence in str(caught.value), content[:40]
        assert "prices.yaml" in str(caught.value)
        assert usable_prices().price("a", "input") is None
        assert [each.msg for each in inert() if each.obj == "FOREMAN_PRICES"] == [
            f"Nothing is estimated: {caught.value}"
        ]


def test_without_a_list_there_are_no_prices(settings, tmp_path):
    settings.FOREMAN_VAR, settings.FOREMAN_PRICES = tmp_path, ""
    assert price_list().models == {}
    settings.FOREMAN_PRICES = str(tmp_path / "none.yaml")
    with pytest.raises(PriceListError, match="no such file"):
        price_list()
    settings.FOREMAN_PRICES = str(tmp_path)
    with pytest.raises(PriceListError, match="cannot be read"):
        price_list()


def test_the_sample_is_a_price_list(settings):
    settings.FOREMAN_PRICES = str(settings.BASE_DIR / "prices.example.yaml")
    assert price_list().price("claude-sonnet-4-5-20250929", "input") == Decimal("0.000003")


@pytest.mark.django_db
def test_what_was_used_is_estimated_again(builder, listed, settings):
    rows = [point(1, 2_000_000, model="a-1"), point(2, 5, series="x", model="b")]
    cost = point(3, 7, series="c", kind=UsageKind.COST)
    count_usage("ui-builder", [*rows, cost])

    def sums(**options):
        told = StringIO()
        call_command("estimate_usage", stdout=told, **options)
        found = UsageHour.objects.aggregate(Sum("estimate"), Sum("unpriced"))
        return told.getvalue().strip(), *found.values()

    listed(GOOD)
    assert sums(since="2027-01-01") == ("Estimated 0 hours of a model and kind.", 0, 2_000_005)
    assert sums(since="2026-05-04T08:00") == ("Estimated 2 hours of a model and kind.", 6, 5)
    listed("models: {b: {input: 2}}")
    assert sums() == ("Estimated 2 hours of a model and kind.", Decimal("0.00001"), 2_000_000)
    with pytest.raises(CommandError, match="no day and no time"):
        sums(since="soon")
    listed("models: {}")
    with pytest.raises(CommandError, match="There are no prices"):
        sums()
    settings.FOREMAN_PRICES += ".none"
    with pytest.raises(CommandError, match="no such file"):
        sums()
