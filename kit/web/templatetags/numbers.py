"""Filters of numbers. A builtin of the template engine."""

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def signed(number: int) -> str:
    """Return a difference with its sign."""
    return f"{number:+,}".replace("-", "\N{MINUS SIGN}") if number else "0"


@register.filter
def thousands(number: int) -> str:
    return f"{number:,}"


@register.filter
def money(dollars: Decimal | float) -> str:
    """Return US dollars in cents, and less than a dollar with two digits that count."""
    amount = Decimal(dollars)
    if 0 < abs(amount) < 1:
        places = max(2, 1 - amount.adjusted())
        return f"${amount:.{min(places, 6)}f}"
    return f"${amount:,.2f}"


def some(number: int, noun: str) -> str:
    """Return a number of things in words: "1 task", "2,000 tasks"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def occurred(number: int) -> str:
    """Return how often something occurred as a sentence: "Occurred twice."."""
    return {1: "Occurred once.", 2: "Occurred twice."}.get(number, f"Occurred {number} times.")
