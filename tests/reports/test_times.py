"""When a run ended, and how long it took, as reports write it."""

from datetime import UTC, datetime, timedelta

import pytest

from foreman_office.reports import Moment
from foreman_office.reports.times import moment, seconds
from tests.reports.sample import case, junit, suite

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.25", 0.25),
        ("1200", 1200),
        ("0,25", 0.25),
        ("12,5", 12.5),
        ("1,234", 1.234),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("3s", 3),
        ("1e-05", 0.00001),
        (" 2 ", 2),
        *((text, 0) for text in ("", "soon", "nan", "inf", "-1", "1e300", "1:2", ",", None)),
    ],
)
def test_a_duration_is_read_as_it_is_meant(text, expected):
    assert seconds(text) == expected


def test_where_a_report_writes_points_its_commas_are_of_thousands():
    report = junit(suite(case(more='time="1,234"'), more='time="1,234.5"'))
    assert report.execution_time_ms == 1_234_000
    assert junit(suite(case(more='time="1,234"'))).execution_time_ms == 1_234


@pytest.mark.parametrize(
    ("stamp", "expected", "zone_known"),
    [
        ("2026-11-20T12:00:00Z", NOON, True),
        ("2026-11-20T13:00:00+01:00", NOON, True),
        ("2026-11-20T13:00:00+0100", NOON, True),
        ("2026-11-20 12:00:00 UTC", NOON, True),
        ("2026-11-20T12:00:00.000000000Z", NOON, True),
        ("Fri, 20 Nov 2026 12:00:00 GMT", NOON, True),
        ("Fri Nov 20 2026 13:00:00 GMT+0100 (CET)", NOON, True),
        ("1795176000", NOON, True),
        ("1795176000000", NOON, True),
        ("2026-11-20T12:00:00", NOON, False),
        ("2026-11-20 12:00:00", NOON, False),
        ("2026-11-20T12:00:00,000", NOON, False),
        ("20261120T120000", NOON, False),
        ("Fri Nov 20 12:00:00 2026", NOON, False),
    ],
)
def test_a_stamp_is_read_with_its_zone_or_without(stamp, expected, zone_known):
    assert moment(stamp) == Moment(expected, zone_known)


@pytest.mark.parametrize(
    "stamp",
    ["", None, "soon", "0001-01-01T00:00:00", "1970-01-01T00:00:00", "2026-11-20", "2026-13-40T1:1",
     "9999-12-31T23:59:59-12:00", "99999999999999", "nan", "2026-11-20T25:00:00Z"],
)  # fmt: skip
def test_what_is_no_moment_of_this_age_is_none(stamp):
    assert moment(stamp) is None


def test_a_run_ended_where_its_last_suite_did():
    report = junit(
        suite(case(), more='timestamp="2026-11-20T12:00:00Z" time="10"')
        + suite(case(), "t", 'timestamp="2026-11-20T11:59:00Z" time="61.5"')
    )
    assert report.ended_at == NOON + timedelta(seconds=10)
    assert report.zone_known


def test_without_a_duration_of_its_own_a_suite_lasted_as_long_as_its_tests():
    report = junit(suite(case(more='time="2"') * 2, more='timestamp="2026-11-20T12:00:00Z"'))
    assert report.ended_at == NOON + timedelta(seconds=4)


def test_the_stamp_of_a_test_or_of_the_root_counts_as_well():
    stamped = 'timestamp="2026-11-20T12:00:00" time="2"'
    assert junit(suite(case(more=stamped))).ended == Moment(NOON + timedelta(seconds=2), False)


def test_a_stamp_with_a_zone_is_believed_before_one_without():
    report = junit(
        suite(more='timestamp="2026-11-20T12:00:00Z"')
        + suite(more='timestamp="2026-11-20T18:00:00"')
    )
    assert report.ended == Moment(NOON, True)


def test_a_report_that_does_not_say_when_it_was_made_has_no_moment():
    report = junit(suite(case(more='timestamp="1970-01-01T00:00:00"')))
    assert (report.ended_at, report.zone_known, report.remarks) == (None, False, [])


def test_a_stamp_that_is_not_understood_is_a_remark():
    report = junit(suite(case(), more='timestamp="half past nine"'))
    assert report.remarks == ["It is not known which time “half past nine” is."]


def test_a_moment_without_a_zone_proves_only_differences_of_more_than_a_day():
    known, unknown = Moment(NOON, True), Moment(NOON, False)
    for apart, expected in (
        (timedelta(seconds=-1), (True, None)),
        (timedelta(hours=-24), (True, None)),
        (timedelta(hours=-25), (True, True)),
        (timedelta(seconds=1), (False, None)),
        (timedelta(hours=25), (False, False)),
    ):
        assert (known.is_after(NOON + apart), unknown.is_after(NOON + apart)) == expected


def test_no_moment_lies_ahead_of_the_clock():
    assert Moment(NOON, True).capped(NOON - timedelta(1)) == Moment(NOON - timedelta(1), True)
    assert Moment(NOON, False).capped(NOON + timedelta(1)) == Moment(NOON, False)
