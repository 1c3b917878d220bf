"""What holds for every report, whatever is put together."""

import json
from contextlib import suppress
from xml.sax.saxutils import quoteattr

from hypothesis import given, settings
from hypothesis import strategies as st

from foreman_office.reports import MAX_NAME_BYTES, Lint, Unreadable, read_report

few = settings(max_examples=40)
INSIDES = ["", "<failure message='f'/>", "<error message='e'/>", "<skipped/>", "<flakyFailure/>",
           "<skipped/><failure/>"]  # fmt: skip
GO = "<properties><property name='go.version' value='1.26'/></properties>"
SUITES = {
    "pytest": "",
    "m.T-20261129223427": "",
    "p/q": GO,
    "unknown": "",
}
tests = st.tuples(
    st.sampled_from(["a", "b", "a #2", "a (i=1)", "TestA/b", ""]),
    st.sampled_from(["k", "m.T", ""]),
    st.sampled_from(INSIDES),
)
suites = st.lists(st.tuples(st.sampled_from(sorted(SUITES)), st.lists(tests, max_size=6)))


def written(parts):
    return "".join(
        f"<testsuite name={quoteattr(name)}>{SUITES[name]}"
        + "".join(
            f"<testcase name={quoteattr(test)} classname={quoteattr(owner)}>{inside}</testcase>"
            for test, owner, inside in inside_suite
        )
        + "</testsuite>"
        for name, inside_suite in parts
    )


def told(parts):
    return read_report(f"<testsuites>{written(parts)}</testsuites>".encode())


def without_place(report):
    return {result.name: result for result in report.results}


@few
@given(suites, st.randoms(use_true_random=False))
def test_the_order_of_tests_changes_nothing(parts, random):
    shuffled = [(name, random.sample(inside, len(inside))) for name, inside in parts]
    random.shuffle(shuffled)

    one, other = told(parts), told(shuffled)
    assert without_place(one) == without_place(other)
    assert sorted(one.against) == sorted(other.against)


def test_a_suite_that_repeats_all_its_tests_is_recognized_wherever_it_stands():
    twice = ("pytest", [("a", "k", ""), ("a", "k", ""), ("b", "k", ""), ("b", "k", "")])
    another = ("m.T-20261129223427", [("a", "k", "")])  # names tests as pytest does

    assert without_place(told([another, twice])) == without_place(told([twice, another]))


@few
@given(suites)
def test_each_test_has_one_name_and_is_counted_once(parts):
    report = told(parts)

    assert len({result.name for result in report.results}) == len(report.results)
    assert report.total == len(report.results) <= sum(len(inside) for _, inside in parts)
    outcomes = [result.outcome for result in report.results]
    assert [outcomes.count(each) for each in ("passed", "failed", "skipped")] == [
        report.passing,
        report.failing,
        report.skipped,
    ]


@few
@given(suites, st.sampled_from(["<failure/>", "<error>no</error>"]), st.integers(0, 2))
def test_a_failure_anywhere_makes_a_run_not_green(parts, failure, place):
    text = written(parts)
    broken = [
        f"<testsuites>{text}<testsuite>{failure}</testsuite></testsuites>",
        f"<testsuites>{text}{failure}</testsuites>",
        f"<testsuites>{text}<testcase name='broken'>{failure}</testcase></testsuites>",
    ][place]
    report = read_report(broken.encode())

    assert not report.is_green
    assert report.failing or report.against


@few
@given(suites, st.integers(1, 9), st.sampled_from(["failures", "errors"]))
def test_a_declared_failure_is_never_thrown_away(parts, count, key):
    report = read_report(f"<testsuites {key}='{count}'>{written(parts)}</testsuites>".encode())
    # Of Go, what failed and was run again may have passed: so many declared failures are told.
    attempts = sum(
        "<failure" in inside or "<error" in inside
        for name, tests in parts
        for _, _, inside in tests
        if SUITES[name] is GO
    )
    assert not report.is_green or count <= attempts
    assert not report.is_green or any(result.flaky for result in report.results)


@few
@given(suites)
def test_a_green_run_has_only_tests_that_passed(parts):
    report = told(parts)
    bad = {"<failure message='f'/>", "<error message='e'/>"} & {
        inside for name, tests in parts if name != "p/q" for *_, inside in tests
    }
    assert not (report.is_green and bad)


@few
@given(suites, st.integers(-255, 255).filter(bool))
def test_no_run_whose_runner_ended_with_an_error_is_green(parts, code):
    report = read_report(f"<testsuites>{written(parts)}</testsuites>".encode(), exit_code=code)
    assert not report.is_green


@few
@given(st.text(), st.text())
def test_names_and_words_are_bounded_and_hold_no_control_characters(name, words):
    data = f"<testsuite><testcase name={quoteattr(name)}><failure>{words}</failure></testcase>"
    with suppress(Unreadable):
        for result in read_report(f"{data}</testsuite>".encode(errors="replace")).results:
            assert len(result.name.encode()) <= MAX_NAME_BYTES
            assert "\0" not in result.name + (result.message or "")
            assert "\x1b" not in result.name + (result.message or "")


@few
@given(st.binary(max_size=300), st.sampled_from([None, *Lint]))
def test_whatever_bytes_come_are_read_or_refused(data, lint):
    with suppress(Unreadable):
        read_report(data, lint=lint)


PIECES = ["<testsuites>", "</testsuites>", "<testsuite>", "</testsuite>", "<testcase name='a'>",
          "</testcase>", "<failure/>", "<skipped/>", "<rerunFailure/>", "<flakyError>", "text",
          "</flakyError>", "<testcase time='x' status='run'/>", "<![CDATA[x]]>", "<properties/>",
          "&amp;", "<test-run>", "<test-case>", "</test-case>", "</test-run>", "<system-out>",
          "</system-out>", "<!-- fail 1 -->", "<UnitTestResult/>", "<TestRun>", "</TestRun>",
          "<message>", "</message>", "<assembly>", "</assembly>", "<error>", "</error>", "&#27;",
          "\x00", "<testsuite tests='2' errors='1'/>"]  # fmt: skip


@few
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_whatever_elements_come_are_read_or_refused(parts):
    with suppress(Unreadable):
        report = read_report("".join(parts).encode())
        assert len({result.name for result in report.results}) == len(report.results)


LINES = ["1..2", "ok 1 - a", "not ok 2 - b", "    ok 1 - c", "    1..1", "# Subtest: x",
         "    # Subtest: y", "  ---", "  ...", "Bail out!", "ok 1 # SKIP", "TAP version 14",
         "        not ok 1", "  error: no", "# fail 1", "1..0 # SKIP no"]  # fmt: skip
EVENTS = ['{"Action":"run","Package":"p","Test":"A"}', '{"Action":"fail","Package":"p"}',
          '{"Action":"pass","Package":"p","Test":"A"}', '{"Action":"output","Output":1}',
          '{"Action":"fail","Package":"p","Test":"A"}', "FAIL\tq [build failed]", "words",
          '{"Action":[],"Package":{}}', '{"Time":"x","Action":"skip","Package":"p"}']  # fmt: skip


@few
@given(st.one_of(st.lists(st.sampled_from(LINES)), st.lists(st.sampled_from(EVENTS))))
def test_whatever_lines_come_are_read_or_refused(lines):
    with suppress(Unreadable):
        report = read_report("\n".join(lines).encode())
        assert report.total == len(report.results)


KEYS = [
    "name",
    "status",
    "results",
    "tests",
    "summary",
    "tool",
    "suite",
    "stop",
    "duration",
    "message",
    "failed",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(KEYS), inner),
    max_leaves=20,
)  # fmt: skip


@few
@given(values)
def test_whatever_json_comes_is_read_or_refused(value):
    tests = [{"name": "a", "status": "passed", "duration": value, "suite": value, "message": value}]
    for document in (value, {"results": value}, {"results": {"summary": value, "tests": tests}}):
        with suppress(Unreadable):
            read_report(json.dumps(document).encode())
