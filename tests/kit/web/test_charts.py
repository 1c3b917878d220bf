"""Charts over time: moments where they belong, round marks by the clock on the wall, a twin."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from kit.web import charts, time_axis
from kit.web.charts import Bar, BarLayer, Chart, Point, Scale, Series
from kit.web.time_axis import TimeAxis, TimeSpan, idle_spans, long_span

START = datetime(2026, 1, 8, 13, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
HOURS = st.integers(0, 24 * 400).map(lambda hours: START + hours * HOUR)


def chart(**fields):
    axis = TimeAxis(START, START + 4 * HOUR)
    return Chart(**{"key": "it", "axis": axis, "scale": Scale(10), "summary": "Ten done."} | fields)


def points(*values, apart=HOUR):
    return [Point(START + place * apart, value) for place, value in enumerate(values)]


def test_moments_lie_evenly_and_never_outside():
    axis = TimeAxis(START, START + 4 * HOUR)
    assert axis.place(START + HOUR) == pytest.approx(25)
    assert axis.place(START - DAY) == 0
    assert axis.place(START + DAY) == pytest.approx(100)


def test_an_axis_of_one_moment_can_still_be_drawn():
    assert TimeAxis(START, START).place(START) == 0


@given(st.lists(HOURS, min_size=2, max_size=12, unique=True))
def test_later_is_never_further_left_whatever_is_folded(moments):
    moments.sort()
    busy = [TimeSpan(moment, moment + HOUR) for moment in moments]
    axis = TimeAxis(moments[0], moments[-1] + HOUR, idle_spans(busy, 2 * HOUR))
    places = [axis.place(moment) for moment in moments]
    assert places == sorted(places)
    assert axis.place(axis.end) == pytest.approx(100)


@given(HOURS, HOURS)
def test_marks_are_few_in_order_and_apart(one, other):
    axis = TimeAxis(min(one, other), max(one, other))
    for letter, ticks in (
        (time_axis.LETTER, axis.ticks),
        (time_axis.LETTER_WHERE_NARROW, [tick for tick in axis.ticks if not tick.spare]),
    ):
        assert 1 <= len(ticks) <= 12
        extents = [extent(tick, letter) for tick in ticks]
        assert all(one[1] <= other[0] + 0.01 for one, other in pairwise(extents))


def extent(tick, letter):
    """From where to where a label goes, in percent."""
    x, width = float(tick.x.rstrip("%")), letter * len(tick.label)
    left = x - {"start": 0, "middle": width / 2, "end": width}[tick.anchor]
    return left, left + width


def test_what_is_folded_is_short_and_says_how_long_it_was():
    axis = TimeAxis(START, START + 3 * DAY, [TimeSpan(START + HOUR, START + 3 * DAY - HOUR)])
    (fold,) = axis.folds
    assert (fold.width, fold.words) == ("4.000%", "3 days idle")
    assert axis.place(START + HOUR) == pytest.approx(48)


def test_an_axis_may_end_in_a_fold():
    axis = TimeAxis(START, START + 3 * DAY, [TimeSpan(START + HOUR, START + 3 * DAY)])
    assert axis.place(START + HOUR) == pytest.approx(96)
    assert axis.place(axis.end) == pytest.approx(100)


def test_idle_is_what_no_busy_span_covers_for_long():
    busy = [
        TimeSpan(START, START + 9 * HOUR),
        TimeSpan(START + HOUR, START + 2 * HOUR),
        TimeSpan(START + 10 * HOUR, START + 11 * HOUR),
        TimeSpan(START + 20 * HOUR, START + 21 * HOUR),
    ]
    assert idle_spans(busy, 2 * HOUR) == [TimeSpan(START + 11 * HOUR, START + 20 * HOUR)]


def test_round_hours_are_those_of_the_active_zone():
    with timezone.override(ZoneInfo("Asia/Kolkata")):  # 13:00 UTC is 18:30 there
        axis = TimeAxis(START, START + 4 * HOUR)
        assert [tick.label for tick in axis.ticks][:3] == ["18:30", "19:30", "20:00"]
        assert axis.caption == "8 Jan 2026 18:30 to 22:30 IST"


def test_marks_go_through_the_night_in_which_clocks_change():
    with timezone.override(ZoneInfo("Europe/Berlin")):
        spring = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)  # 02:00 does not come
        labels = [tick.label for tick in TimeAxis(spring, spring + 5 * HOUR).ticks]
        assert "02:00" not in labels
        assert {"01:00", "03:00"} <= {*labels}


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (timedelta(minutes=7), ["13:00", "13:01", "13:02"]),
        (timedelta(hours=18), ["13:00", "18:00", "21:00", "9 Jan"]),
        (5 * DAY, ["8 Jan", "10 Jan", "11 Jan", "12 Jan"]),
        (40 * DAY, ["8 Jan", "19 Jan", "26 Jan"]),
        (200 * DAY, ["Jan 2026", "Mar", "Apr", "May", "Jun"]),
        (400 * DAY, ["Jan 2026", "May", "Jul"]),
        (3000 * DAY, ["2026", "2028", "2030"]),
    ],
)
def test_marks_suit_the_length(span, labels):
    found = [tick.label for tick in TimeAxis(START, START + span).ticks]
    assert found[: len(labels)] == labels


@pytest.mark.parametrize(
    ("top", "labels"),
    [
        (1, ["0", "0.5", "1"]),
        (7, ["0", "2", "4", "7"]),
        (12, ["0", "5", "12"]),
        (1000, ["0", "500", "1,000"]),
    ],
)
def test_values_are_measured_by_round_lines_and_the_top(top, labels):
    assert [line.label for line in Scale(top).grid] == labels


@given(st.integers(0, 10**7))
def test_the_marks_of_counts_are_even_whole_and_reach_the_most(most):
    scale = Scale.of_counts(most)
    values = [float(line.label.replace(",", "")) for line in scale.grid]
    assert values[0] == 0
    assert values[-1] == scale.top >= most
    assert {b - a for a, b in pairwise(values)} == {values[1]}
    assert values[1] >= 1
    assert len(values) <= 6


def test_marks_within_a_day_are_times_and_another_day_is_named():
    axis = TimeAxis(START, START + 2 * DAY, [TimeSpan(START + 8 * HOUR, START + 32.5 * HOUR)])
    labels = [tick.label for tick in axis.ticks]
    assert labels[0] == "13:00"
    assert "9 Jan 21:30" in labels


def test_stacked_bars_are_one_link_and_one_row():
    span = TimeSpan(START, START + HOUR)
    bars = [
        Bar(span, 3, "3 green, 2 red", "done", href="/runs/?a=1&b=2"),
        Bar(span, 2, "3 green, 2 red", "failed", "hatched", 3, "/runs/?a=1&b=2"),
    ]
    layers = [
        BarLayer("green", "done"),
        BarLayer("red", "failed", "hatched"),
        BarLayer("x", "quiet"),
    ]
    stacked = chart(bars=bars, layers=layers, measured="runs")
    (column,) = stacked.columns
    assert [each.height for each in column.uprights] == ["39.6", "26.4"]
    assert stacked.headings == ["When", "green", "red", "x"]
    assert stacked.rows[0].values == ["3", "2", "0"]
    drawn = render_to_string("components/chart_over_time.html", {"chart": stacked})
    assert drawn.count('href="/runs/?a=1&amp;b=2"') == 2  # in the drawing, and in the table
    assert 'role="group"' in drawn
    assert ">runs</text>" in drawn


def test_two_points_are_drawn_as_points_and_three_as_a_line():
    two = chart(series=[Series("rate", points(1, 2))]).lines[0]
    assert (two.path, [dot.words for dot in two.dots]) == ("", ["rate: 1", "rate: 2"])
    three = chart(series=[Series("rate", points(1, 2, 3))]).lines[0]
    assert three.path
    assert three.dots == []


def test_a_step_stays_until_the_next_point_and_a_line_goes_there():
    step = chart(series=[Series("done", points(0, 10), drawn="step", filled=True)])
    line = chart(series=[Series("done", points(0, 10, 10))])
    assert step.lines[0].path == "M0.00 132.0H25.00V0.0"
    assert step.lines[0].area.endswith("V132H0.00Z")
    assert line.lines[0].path == "M0.00 132.0L25.00 0.0L50.00 0.0"


def test_lines_differ_in_more_than_colour():
    several = chart(series=[Series(str(n), points(1, 2)) for n in range(4)])
    assert len({line.dash for line in several.lines}) == 4


def test_very_many_points_are_thinned_to_what_is_seen():
    many = chart(series=[Series("done", points(*range(5000), apart=timedelta(seconds=1)))])
    assert many.lines[0].path.count("L") <= charts.POINTS + 1
    assert len(many.rows) <= charts.ROWS
    assert many.rows[-1].values == ["4,999"]


def test_the_table_says_every_value_and_no_value_before_the_first():
    late = [Point(START + HOUR, 7)]
    table = chart(series=[Series("passing", points(1, 2)), Series("failing", late)])
    assert table.headings == ["When", "passing", "failing"]
    assert [row.values for row in table.rows] == [["1", ""], ["2", "7"]]


def test_bars_stand_on_the_axis_and_are_in_the_table():
    bars = chart(bars=[Bar(TimeSpan(START, START + HOUR), 5, "5 beats")], counted="Beats")
    (upright,) = bars.uprights
    assert (upright.y, upright.height) == ("66.0", "66.0")
    assert bars.headings == ["When", "Beats"]
    assert bars.rows[0].values == ["5"]


def test_a_chart_has_its_words_its_table_and_no_style():
    drawn = render_to_string(
        "components/chart_over_time.html",
        {
            "chart": chart(
                series=[Series("<b>", points(1, 2), filled=True), Series("other", points(0, 1))],
                bars=[Bar(TimeSpan(START, START + HOUR), 5, "5 beats", drawn="hatched")],
                now=START + 2 * HOUR,
            )
        },
    )
    assert 'role="img"' in drawn
    assert 'aria-label="Ten done."' in drawn
    assert "<table" in drawn
    assert "<b>" not in drawn
    assert "style=" not in drawn


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=20), "less than a minute"),
        (timedelta(minutes=130), "2 hours"),
        (timedelta(minutes=70), "70 minutes"),
        (timedelta(hours=14), "14 hours"),
        (timedelta(hours=24), "24 hours"),
        (timedelta(hours=60), "2 days"),
    ],
)
def test_a_span_is_said_in_words(span, words):
    assert long_span(span) == words
