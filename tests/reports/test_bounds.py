"""What a report may hold: it is bounded, and what is refused is refused in a sentence."""

import time
import tracemalloc

import pytest

from foreman_office.reports import MAX_BYTES, Unreadable, read_report
from tests.reports.sample import case, junit, suite

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("<testsuite>", "breaks off"),
        ("<testsuite><testcase name='one'>", 'breaks off, in <testcase name="one"'),
        ("<testsuite name='s'><testcase name='one", "breaks off"),
        ("<testsuite/><testsuite/>", "two reports in one"),
        ("<testsuite><testcase name='a' name='b'/></testsuite>", "duplicate attribute"),
        ("<testsuite><testcase name='a'><failure>1 < 2</failure>", 'in <testcase name="a">'),
        (f'<!DOCTYPE t [<!ENTITY l0 "ha">{LAUGHS}]><testsuite name="&l9;"/>', "document type"),
        ('<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><t/>', "document type"),
        ('<!DOCTYPE t SYSTEM "http://127.0.0.1/t.dtd"><testsuite/>', "document type"),
        ('<testsuite name="&x;"/>', "undefined entity"),
        ("<testsuite>" * 33 + "</testsuite>" * 33, "nested deeper than 32"),
        ("<testsuite>" + "<failure>" * 100_000, "nested deeper than 32"),
        ("<testsuite>" + "<a/>" * 500_001 + "</testsuite>", "more than 500000 elements"),
        ("<testsuite>" + "<testcase/>" * 50_001 + "</testsuite>", "more than 50000 tests"),
        ("<testsuite>" + " " * MAX_BYTES + "</testsuite>", "larger than 8 MiB"),
        (
            "<testsuite " + " ".join(f'a{n}=""' for n in range(201)) + "/>",
            "more than 200 attributes, <testsuite>",
        ),
        ('<?xml version="1.0" encoding="shift_jis"?><testsuite/>', "encoding"),
        ('<?xml version="1.0" encoding="rot13"?><testsuite/>', "encoding"),
        ('<?xml version="1.0" encoding="nobody"?><testsuite/>', "encoding"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"results": 1, ', "is not JSON"),
        ('{"Action": "run"}\n{"Action": ', "line 2 is not an event"),
        ("1..1\n" + " " * 4 * 40 + "ok 1", "nested deeper than 32"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_report_is_refused_in_a_sentence(report, words):
    with pytest.raises(Unreadable, match=r"^The report.*\.$") as refused:
        read_report(report.encode())
    assert words in str(refused.value)
    assert len(str(refused.value)) < 500


def test_wrong_bytes_are_refused_by_their_place():
    with pytest.raises(Unreadable, match="line 1, column"):
        read_report(b'<?xml version="1.0" encoding="utf-8"?><testsuite name="\xff"/>')


def test_masses_of_attributes_take_no_masses_of_memory():
    element = b"<testsuite " + b" ".join(b'a%d=""' % number for number in range(700_000))
    assert len(element) < MAX_BYTES
    tracemalloc.start()
    with pytest.raises(Unreadable, match="more than 200 attributes"):
        read_report(element + b"/>")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20_000_000


def test_one_long_attribute_and_one_long_text_are_read():
    words = "href='x' = " * 300_000
    report = junit(suite(case("a", f'<failure message="{words}">{"x" * 1_000_000}</failure>')))
    assert report.results[0].message.startswith("href='x'")


def test_a_long_comment_is_read():
    assert junit(f"<!-- {'x="" ' * 300_000} -->" + suite(case())).is_green


def test_twenty_thousand_tests_take_little_time_and_memory():
    tests = "".join(
        f'<testcase classname="tests.hold.test_{number // 50}" name="test_{number}" time="0.01" />'
        for number in range(20_000)
    )
    data = f'<testsuites><testsuite name="pytest">{tests}</testsuite></testsuites>'.encode()
    read_report(data)
    tracemalloc.start()
    report = read_report(data)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    begun = time.process_time()
    read_report(data)

    assert report.passing == 20_000
    assert held < 10_000_000
    assert time.process_time() - begun < 2  # a machine may be slow and loaded


def test_twenty_thousand_tests_of_one_name_are_told_apart_in_time():
    report = junit(suite(case("a") * 20_000))
    assert len({each.name for each in report.results}) == 20_000
