"""The QA runs of a task as stacked columns on one scale, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from governance.models import QAExecution
from kit.web.charts import Bar, EvenAxis, Scale, Upright, stand
from kit.web.time_axis import percent_text

HEIGHT = 120  # in pixels
WIDEST = 16.0  # of a column and the room around it, in percent of the chart
ROOM = 0.62  # of that for the column


class Layer(NamedTuple):
    """One layer of each column: an attribute of a run, its name, colour and texture."""

    attribute: str
    label: str
    tone: str
    drawn: str


# Told apart without colour: solid, hatched, hollow.
LAYERS = (
    Layer("passing_tests", "passing", "done", "solid"),
    Layer("failing_tests", "failing", "failed", "hatched"),
    Layer("skipped_tests", "skipped", "quiet", "outline"),
)


class Column(NamedTuple):
    run: QAExecution
    middle: str
    uprights: list[Upright]


@dataclass(frozen=True)
class RunsChart:
    """The data of `tasks/runs_chart.html`; the table with the same values is the page's."""

    columns: Sequence[Column]
    summary: str
    scale: Scale
    began_x: str  # between the runs before work began and those since; empty if it is at neither
    height: int = HEIGHT
    layers: Sequence[Layer] = LAYERS

    @property
    def thin(self) -> bool:
        return len(self.columns) > 14

    @property
    def spare(self) -> bool:
        return len(self.columns) > 7


def runs_chart(runs: Sequence[QAExecution], began: datetime | None = None) -> RunsChart | None:
    """Return the chart of QA runs, and of when work began; None where there are none."""
    if not runs:
        return None
    axis = EvenAxis(len(runs), WIDEST)
    scale = Scale.of_counts(max(run.total_tests for run in runs), height=HEIGHT)
    before = sum(run.arrived_at < began for run in runs if run.arrived_at) if began else 0
    first, last = runs[0], runs[-1]
    return RunsChart(
        [
            Column(
                run,
                percent_text(axis.place(n + 0.5)),
                stand(_bars(run, n), axis.place, scale, ROOM),
            )
            for n, run in enumerate(runs)
        ],
        f"{len(runs)} QA runs: from {first.passing_tests} of {first.total_tests}"
        f" passing to {last.passing_tests} of {last.total_tests}",
        scale,
        percent_text(axis.place(before)) if 0 < before < len(runs) else "",
    )


def _bars(run: QAExecution, number: int) -> list[Bar]:
    bars, begins = [], 0.0
    for layer in LAYERS:
        if value := getattr(run, layer.attribute):
            span = (number, number + 1)
            bars.append(Bar(span, value, layer.label, layer.tone, layer.drawn, begins))
            begins += value
    return bars
