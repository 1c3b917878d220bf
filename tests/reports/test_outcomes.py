"""How a test ended, in the elements, attributes and words of any runner."""

import pytest

from foreman_office.reports import read_report
from tests.reports.sample import case, counts, junit, suite

PASSED, FAILED, SKIPPED = (1, 0, 0), (0, 1, 0), (0, 0, 1)


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("", PASSED),
        ("<failure/>", FAILED),
        ("<error/>", FAILED),
        ("<skipped/>", SKIPPED),
        ("<skip/>", SKIPPED),
        ("<ignored/>", SKIPPED),
        ("<skipped/><failure/>", SKIPPED),  # as expected
        ("<skipped/><error/>", FAILED),  # its teardown broke
        ("<skipped/><failure/><error/>", FAILED),
        ("<failure/><skipped/>", FAILED),
        ("<rerunFailure/>", FAILED),
        ("<flakyFailure/>", PASSED),
        ("<flakyError/><failure/>", FAILED),
        ("<failures><failure/></failures>", FAILED),
        ("<system-out>failure</system-out>", PASSED),
        ("<properties><property name='failure' value='1'/></properties>", PASSED),
        ("<FAILURE/>", FAILED),
    ],
)
def test_the_elements_in_a_test_say_how_it_ended(inside, expected):
    assert counts(junit(suite(case(inside=inside)))) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ('status="run"', PASSED),
        ('status="passed"', PASSED),
        ('status="run" result="completed"', PASSED),
        ('status="failed"', FAILED),
        ('status="Error"', FAILED),
        ('result="FAILURE"', FAILED),
        ('status="timed out"', FAILED),
        ('outcome="broken"', FAILED),
        ('success="false"', FAILED),
        ('failure="boom"', FAILED),
        ('errors="1"', FAILED),
        ('errors="0" failures="0"', PASSED),
        ('status="notrun" result="suppressed"', SKIPPED),
        ('status="disabled"', SKIPPED),
        ('status="skipped"', SKIPPED),
        ('status="ignored"', SKIPPED),
        ('executed="False"', SKIPPED),
        ('status="mauve"', PASSED),
    ],
)
def test_attributes_say_how_a_test_ended_where_no_element_does(more, expected):
    report = junit(suite(case(more=more)))

    assert counts(report) == expected
    assert bool(report.remarks) == ("mauve" in more)


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ('<failure message="no"/>', "no"),
        ("<failure>text</failure>", "text"),
        ('<failure message="no">text</failure>', "no\ntext"),
        ("<failure><message>no</message><trace>line 1</trace></failure>", "noline 1"),
        ('<failure message=""/><system-out>said</system-out>', "said"),
        ("<system-err>err</system-err><failure/><system-out>out</system-out>", "err"),
        ('<failure type="AssertionError"/>', "AssertionError"),
        ("<failure>one</failure><failure>two</failure>", "one\ntwo"),
        (
            "<rerunFailure><stackTrace>no</stackTrace><system-out>x</system-out></rerunFailure>",
            "no",
        ),
        ("<failure/>", None),
        ("<skipped>later</skipped>", "later"),
    ],
)
def test_the_words_are_taken_from_where_they_are(inside, words):
    (result,) = junit(suite(case(inside=inside))).results
    assert result.message == words


def test_long_words_keep_their_beginning_and_long_output_its_end():
    text = "begin" + "x" * 50_000 + "end"
    (failed,) = junit(suite(case(inside=f"<failure>{text}</failure>"))).results
    (printed,) = junit(suite(case(inside=f"<failure/><system-out>{text}</system-out>"))).results

    assert failed.message.startswith("begin")
    assert printed.message.endswith("end")
    assert max(len(failed.message), len(printed.message)) <= 10_000


@pytest.mark.parametrize(
    "report",
    [
        "<testsuites>{}</testsuites>",
        "<testsuite>{}</testsuite>",
        "{}",
        "<testsuites><testsuite><testsuite>{}</testsuite></testsuite></testsuites>",
        "<testsuites><testsuites>{}</testsuites></testsuites>",
        '<testsuites xmlns="urn:junit">{}</testsuites>',
        '<j:testsuites xmlns:j="urn:junit">{}</j:testsuites>',
        '<TestSuites xmlns:xsi="urn:x" xsi:noNamespaceSchemaLocation="junit.xsd">{}</TestSuites>',
        "<testsuites><group>{}</group></testsuites>",
        '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>{}</testsuites>\n',
        "\n\n<testsuites>{}</testsuites>",
    ],
)
def test_a_test_is_read_wherever_it_stands(report):
    found = read_report(
        report.format('<testcase name="a"><failure message="no"/></testcase>').encode()
    )

    assert counts(found) == FAILED
    assert found.results[0].message == "no"


def test_tests_in_a_namespace_are_read_with_what_stands_in_them():
    found = read_report(
        b'<j:testsuite xmlns:j="urn:j" j:name="s"><j:testcase name="a"><j:failure/></j:testcase>'
        b"</j:testsuite>"
    )
    assert counts(found) == FAILED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "cp1252"])
def test_a_report_says_how_it_is_encoded(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><testsuite><testcase name="é"/></testsuite>'
    assert read_report(text.encode(encoding)).results[0].name == "é"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("&#27;[1;31mred&#x1b;[0m", "red"),
        ("nul\x00", "nul\ufffd"),
        ("&#0;nul", "\ufffdnul"),
        ("&#xFFFF;", "\ufffd"),
        ("&#xD800;", "\ufffd"),
        ("\ufffe", "\ufffd"),
    ],
)
def test_colours_and_control_characters_do_not_make_a_report_unreadable(name, expected):
    report = junit(suite(case(f"a {name}", f"<failure>b {name}</failure>")))
    (result,) = report.results

    assert result.name == f"s::k::a {expected}"
    assert result.message == f"b {expected}".strip()


def test_a_report_in_utf_16_may_have_colours_as_well():
    text = (
        '<?xml version="1.0" encoding="utf-16"?><testsuite><testcase name="\x1b[1mé"/></testsuite>'
    )
    assert read_report(text.encode("utf-16")).results[0].name == "é"


def test_a_good_report_is_left_as_it_is():
    (result,) = junit(suite(case("a", "<failure>&amp;#27; <![CDATA[&#27;]]></failure>"))).results
    assert result.message == "&#27; &#27;"
