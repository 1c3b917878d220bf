"""What the pages of the plan show of its history, and where all of it is listed."""

from datetime import datetime
from urllib.parse import urlencode

from django import template
from django.urls import NoReverseMatch, reverse

from foreman_office.kit.charts import Chart, TimeAxis
from governance.progress import progress_chart
from programs.models import Program

register = template.Library()


@register.simple_tag
def progress_over_time(
    program: Program, axis: TimeAxis, total: int, now: datetime | None
) -> Chart | None:
    """Chart how many tasks were completed when."""
    return progress_chart(program, axis, total, now)


@register.simple_tag
def list_address(name: str, **words: object) -> str:
    """Return the address of a list with filters in force, or nothing while there is none."""
    try:
        return f"{reverse(name)}?{urlencode(words)}"
    except NoReverseMatch:
        return ""
