"""What the pages of the plan show of its history, and where all of it is listed."""

from datetime import datetime

from django import template

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
