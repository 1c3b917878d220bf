"""Conditions that are not met, as lines for an agent."""

from collections.abc import Iterable

from django.http import HttpRequest

from foreman_office.api.schemas.claims import Met


def unmet_lines(conditions: Iterable[Met], request: HttpRequest) -> list[str]:
    """Return each condition, what meets it, and the page on which that is done."""
    lines = []
    for each in conditions:
        lines.append(f"- {each.rule}: {each.detail or each.words}")
        if each.remedy:
            lines.append(f"  To do: {each.remedy}")
        if each.remedy_path:
            lines.append(f"  Page: {request.build_absolute_uri(each.remedy_path)}")
    return lines
