"""Estimate again what was used, by the price list as it is now."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import is_naive, make_aware

from builders import actions
from builders.prices import PriceListError, price_file, price_list


class Command(BaseCommand):
    help = (
        "Estimate again what was used, by the price list as it is now. Without this, a price holds"
        " for what is counted after it was set."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", help="only what was used since this day or time")

    def handle(self, *args: Any, since: str | None, **options: Any) -> None:
        try:
            prices = price_list()
        except PriceListError as error:
            raise CommandError(str(error)) from None
        if not prices.models:
            raise CommandError(f"There are no prices: {price_file()} has none, or is missing.")
        rows = actions.estimate_usage(prices, since=since and moment_of(since))
        self.stdout.write(f"Estimated {rows} hours of a model and kind.")


def moment_of(text: str) -> datetime:
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError:
        found = day = None
    if day:
        found = datetime(day.year, day.month, day.day)  # noqa: DTZ001  made aware below
    if found is None:
        raise CommandError(f"{text} is no day and no time; write 2026-05-04 or an ISO 8601 time.")
    return make_aware(found) if is_naive(found) else found
