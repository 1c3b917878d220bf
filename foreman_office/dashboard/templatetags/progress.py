"""Tags of waves as marks and links, and of the progress of a program over time."""

from collections.abc import Iterable
from datetime import datetime
from html import escape

from django import template
from django.utils.safestring import SafeString

from foreman_office.dashboard.programs.progress_chart import progress_chart
from foreman_office.dashboard.programs.progress_counts import Outline
from foreman_office.dashboard.templatetags.explain import where
from kit.web.charts import Chart
from kit.web.templatetags.states import LOOKS, mark
from kit.web.time_axis import TimeAxis
from programs.models import Program

register = template.Library()


@register.simple_tag
def wave_marks(waves: Iterable[Outline]) -> SafeString:
    """Show each wave as the mark of its state, with how many of its tasks are completed."""
    marks = []
    for wave in waves:
        words = escape(f"Wave {wave.sequence_number}, {wave}: {LOOKS[wave.state].word.lower()}")
        done = f"{wave.done} of {wave.total}"
        marks.append(
            f'<li><a href="{where(wave)}" title="{words}, {done}">{mark(wave.state)}'
            f'<span class="hidden-words">{words}</span></a></li>'
        )
    return SafeString(f'<ul class="marks">{"".join(marks)}</ul>')


@register.simple_tag
def progress_over_time(
    program: Program, axis: TimeAxis, total: int, now: datetime | None
) -> Chart | None:
    """Chart how many tasks were completed when."""
    return progress_chart(program, axis, total, now)
