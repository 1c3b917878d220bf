"""Test reports, as five runners write them and as nobody should."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import junit
from governance.junit import Unreadable, read

REPORTS = Path(__file__).with_name("junit")


def results(report):
    return {
        result.name: (str(result.outcome), result.flaky)
        for result in read((REPORTS / f"{report}.xml").read_bytes()).results
    }


PASSED, FLAKY = ("passed", False), ("passed", True)
FAILED, SKIPPED = ("failed", False), ("skipped", False)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            "pytest",
            {
                "tests.hold.test_expiry::test_a_hold_expires": PASSED,
                "tests.hold.test_expiry::test_a_seat_is_free[window]": PASSED,
                "tests.hold.test_expiry::test_a_seat_is_free[aisle]": FAILED,
                "tests.hold.test_expiry.TestClock::test_two_at_once": FAILED,
                "tests.hold.test_expiry::test_on_another_system": SKIPPED,
            },
        ),
        (
            "surefire",
            {
                "line.island.HoldTest::holdExpires": PASSED,
                "line.island.HoldTest::seatIsFreeAgain": FAILED,
                "line.island.HoldTest::twoAtOnce": FLAKY,
                "line.island.HoldTest::clockStandsStill": FLAKY,
                "line.island.HoldTest::onAnotherSystem": SKIPPED,
            },
        ),
        (
            "jest",
            {
                "Hold expires::Hold expires": PASSED,
                "Hold frees the seat::Hold frees the seat": FAILED,
                "Hold on another system::Hold on another system": SKIPPED,
                "Seat belongs to one deck::Seat belongs to one deck": PASSED,
            },
        ),
        (
            "go-junit-report",
            {
                "example.org/line/hold::TestExpires": PASSED,
                "example.org/line/hold::TestFrees": FAILED,
                "example.org/line/hold::TestFrees/window": PASSED,
                "example.org/line/hold::TestElsewhere": SKIPPED,
            },
        ),
        (
            "cargo-nextest",
            {
                "hold::expiry::a_hold_expires": PASSED,
                "hold::expiry::a_seat_is_free": FAILED,
                "hold::expiry::two_at_once": FLAKY,
                "hold::expiry::elsewhere": SKIPPED,
            },
        ),
    ],
)
def test_a_runners_report_is_understood(report, expected):
    assert results(report) == expected


@pytest.mark.parametrize(
    ("report", "test", "words"),
    [
        ("pytest", "test_a_seat_is_free[aisle]", "AssertionError: assert 'held' == 'free'"),
        ("surefire", "seatIsFreeAgain", "expected: <FREE> but was: <HELD>"),
        ("surefire", "twoAtOnce", "lock not available"),
        ("jest", "Hold frees the seat", "Error: expect(received).toBe(expected)"),
        ("go-junit-report", "TestFrees", "Failed\nhold_test.go:21: seat is held, want free"),
        ("cargo-nextest", "a_seat_is_free", "thread 'a_seat_is_free' panicked"),
    ],
)
def test_a_failure_keeps_its_message(report, test, words):
    (result,) = [
        result
        for result in read((REPORTS / f"{report}.xml").read_bytes()).results
        if result.name.endswith(f"::{test}")
    ]
    assert result.message.startswith(words)


@pytest.mark.parametrize(
    ("report", "milliseconds"),
    [("pytest", 15), ("surefire", 1_201_500), ("go-junit-report", 160), ("cargo-nextest", 11)],
)
def test_the_times_of_the_tests_are_added_up(report, milliseconds):
    assert read((REPORTS / f"{report}.xml").read_bytes()).execution_time_ms == milliseconds


# --- what a report says of itself -----------------------------------------------------------------


def test_totals_are_counted_and_not_believed():
    report = read(
        b'<testsuite tests="900" failures="0"><testcase name="a"><failure/></testcase></testsuite>'
    )
    assert [str(result.outcome) for result in report.results] == ["failed"]


def test_suites_inside_suites_are_walked():
    report = read(
        b'<testsuites><testsuite><testsuite><testcase name="in"/></testsuite>'
        b'<testcase name="out"/></testsuite></testsuites>'
    )
    assert {result.name for result in report.results} == {"in", "out"}


def test_the_same_name_again_is_another_test():
    case = '<testcase name="a"/>'
    report = read(f'<testsuite>{case * 3}<testcase name="a #2"/></testsuite>'.encode())
    names = [result.name for result in report.results]
    assert len(set(names)) == 4
    assert names[:3] == ["a", "a #2", "a #3"]


def test_long_names_are_cut_and_still_told_apart():
    case = f'<testcase name="{"x" * 3000}"/>'
    names = [result.name for result in read(f"<testsuite>{case * 2}</testsuite>".encode()).results]
    assert len(set(names)) == 2
    assert all(len(name) <= junit.MAX_NAME for name in names)


def test_a_test_that_was_run_again_and_never_passed_has_failed():
    report = b'<testsuite><testcase name="a"><rerunFailure message="no"/></testcase></testsuite>'
    (result,) = read(report).results
    assert (str(result.outcome), result.message) == ("failed", "no")


@pytest.mark.parametrize("status", ["notrun", "disabled", "skipped", "ignored"])
def test_a_test_that_was_not_run_did_not_pass(status):
    (result,) = read(
        f'<testsuite><testcase name="a" status="{status}"/></testsuite>'.encode()
    ).results
    assert str(result.outcome) == "skipped"


@pytest.mark.parametrize("time", ["", "soon", "nan", "inf", "-1", "1e300"])
def test_a_time_that_is_none_counts_as_none(time):
    assert (
        read(
            f'<testsuite><testcase name="a" time="{time}"/></testsuite>'.encode()
        ).execution_time_ms
        == 0
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252"])
def test_a_report_says_how_it_is_encoded(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="é"/></testsuite>'
    assert read(text.encode(encoding)).results[0].name == "é"


# --- what is no report ----------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "report",
    [
        "",
        "no XML",
        "<testsuite>",
        "<html/>",
        '<testsuite xmlns="urn:other"/>',
        "<testsuites><testcase name='outside'/></testsuites>",
        f'<!DOCTYPE t [<!ENTITY l0 "ha">{LAUGHS}]><testsuite name="&l9;"/>',
        '<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>',
        '<!DOCTYPE t SYSTEM "http://127.0.0.1/t.dtd"><testsuite/>',
        "<testsuite>" * 33 + "</testsuite>" * 33,
        "<testsuite>" + "<a/>" * 500_001 + "</testsuite>",
        "<testsuite>" + "<testcase/>" * 50_001 + "</testsuite>",
        "<testsuite>" + " " * junit.MAX_BYTES + "</testsuite>",
        '<testsuite name="&#0;"/>',
        '<?xml version="1.0" encoding="shift_jis"?><testsuite/>',
        '<?xml version="1.0" encoding="rot13"?><testsuite/>',
        '<?xml version="1.0" encoding="nobody"?><testsuite/>',
    ],
    ids=lambda report: report[:20],
)
def test_what_is_no_report_is_refused_in_a_sentence(report):
    with pytest.raises(Unreadable, match=r"^The report.*\.$"):
        read(report.encode())


def test_wrong_bytes_are_refused():
    with pytest.raises(Unreadable):
        read(b'<?xml version="1.0" encoding="utf-8"?><testsuite name="\xff"/>')


@given(st.binary(max_size=300))
def test_whatever_bytes_come_are_read_or_refused(data):
    with suppress(Unreadable):
        read(data)


pieces = st.lists(
    st.sampled_from(
        [
            *(
                "<testsuites>",
                "</testsuites>",
                "<testsuite>",
                "</testsuite>",
                "<testcase name='a'>",
            ),
            *(
                "</testcase>",
                "<failure/>",
                "<skipped/>",
                "<rerunFailure/>",
                "<flakyError/>",
                "text",
            ),
            *("<testcase time='x' status='run'/>", "<![CDATA[x]]>", "<properties/>", "&amp;"),
        ]
    )
)


@given(pieces)
def test_whatever_is_put_together_is_read_or_refused(parts):
    try:
        report = read("".join(parts).encode())
    except Unreadable:
        return
    assert len({result.name for result in report.results}) == len(report.results)
