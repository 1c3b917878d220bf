"""Which report a run has made, and what is sent of it."""

import os

import pytest
from foreman.errors import Invalid
from foreman.reports import (
    JSON,
    LINES,
    MOST_BYTES,
    TEXT,
    XML,
    Watch,
    content_type_of,
    is_pytest,
    is_surely_pytest,
    named_by,
    read_report,
)

JUNIT = '<testsuite name="{}"><testcase name="a"/></testsuite>'


def test_a_report_is_sent_as_what_it_is():
    assert content_type_of(b"\xef\xbb\xbf<?xml version='1.0'?><testsuites/>") == XML
    assert content_type_of(b"TAP version 13\nok 1") == TEXT
    assert content_type_of(b'{"results": {\n}}') == JSON
    assert content_type_of(b'{"Action": "run"}\n{"Action": "pass"}\n') == LINES


@pytest.mark.parametrize(
    ("command", "environ", "named"),
    [
        (["pytest", "--junitxml=a.xml"], {}, ["a.xml"]),
        (["pytest", "--junit-xml", "a.xml"], {}, ["a.xml"]),
        (["uv", "run", "pytest"], {"PYTEST_ADDOPTS": "-q --junitxml=b/c.xml"}, ["b/c.xml"]),
        (["gotestsum", "--junitfile", "go.xml"], {}, ["go.xml"]),
        (["phpunit", "--log-junit", "php.xml"], {}, ["php.xml"]),
        (["npx", "vitest", "--outputFile=v.xml"], {}, ["v.xml"]),
        (["npx", "jest"], {"JEST_JUNIT_OUTPUT_FILE": "j.xml"}, ["j.xml"]),
        (["ctest", "--output-junit", "c.xml"], {}, ["c.xml"]),
        (["make", "test"], {}, []),
        (["pytest", "--junitxml"], {}, []),
    ],
)
def test_the_report_is_the_one_that_the_runner_is_told_to_write(tmp_path, command, environ, named):
    assert named_by(command, environ, tmp_path) == [tmp_path / name for name in named]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -q --junitxml=out/r.xml\n"),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\naddopts = ["--junit-xml=out/r.xml", "-q"]\n',
        ),
        ("setup.cfg", "[tool:pytest]\naddopts =\n  --junitxml out/r.xml\n"),
    ],
)
def test_pytests_configuration_is_read(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    assert named_by(["python", "-m", "pytest"], {}, tmp_path) == [tmp_path / "out/r.xml"]
    assert named_by(["make"], {}, tmp_path) == []


def test_pytest_is_known_in_the_script_of_a_shell():
    for script in ("pytest -q\n", "cd app && exec .venv/bin/pytest -q", "(pytest; true)"):
        assert is_pytest(["bash", "-c", script]), script
        assert not is_surely_pytest(["bash", "-c", script])
    for script in ("make test", "pip install pytest-cov", "cat pytest.ini | wc"):
        assert not is_pytest(["bash", "-c", script]), script


def test_a_commented_option_is_none(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n# addopts = --junitxml=r.xml\n")
    assert named_by(["pytest"], {}, tmp_path) == []


def test_only_what_this_run_has_written_is_found(tmp_path):
    old, same = tmp_path / "junit.xml", tmp_path / "build/test-results/test/TEST-a.xml"
    same.parent.mkdir(parents=True)
    for file in (old, same):
        file.write_text(JUNIT)
    watch = Watch(tmp_path, [], [])
    assert watch.made() == []
    same.write_text(JUNIT)
    os.utime(same, ns=(1, 1))
    fresh = tmp_path / "test-results/any.xml"
    fresh.parent.mkdir()
    fresh.write_text(JUNIT)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/junit.xml").write_text(JUNIT)
    assert {*watch.made()} == {same, fresh}


def test_a_named_report_is_the_only_one_that_counts(tmp_path):
    watch = Watch(tmp_path, [tmp_path / "a.xml"], [])
    (tmp_path / "junit.xml").write_text(JUNIT)
    assert watch.made() == []
    (tmp_path / "a.xml").write_text(JUNIT)
    assert watch.made() == [tmp_path / "a.xml"]


def test_patterns_find_what_is_written_later(tmp_path):
    watch = Watch(tmp_path, [], ["**/TEST-*.xml"])
    (tmp_path / "m").mkdir()
    (tmp_path / "m/TEST-b.xml").write_text(JUNIT)
    assert watch.made() == [tmp_path / "m/TEST-b.xml"]


def test_files_of_one_run_become_one_report(tmp_path):
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    one.write_text(JUNIT.format("1"))
    two.write_text(f"<testsuites>{JUNIT.format('2')}{JUNIT.format('3')}</testsuites>")
    found = read_report([one, two])
    assert found.content_type == XML
    assert found.body.count(b"<testcase") == 3
    assert read_report([two]).body == two.read_bytes()


def test_a_report_with_a_document_type_is_not_joined_and_nothing_of_it_is_expanded(tmp_path):
    one, two = tmp_path / "1.xml", tmp_path / "2.xml"
    one.write_text(JUNIT.format("1"))
    ten = "".join(f'<!ENTITY x{i + 1} "{f"&x{i};" * 10}">' for i in range(9))
    for declared in ('<!ENTITY x0 "lol">' + ten, '<!ENTITY x9 SYSTEM "1.xml">'):
        body = (
            f"<!DOCTYPE testsuite [{declared}]><testsuite><system-out>&x9;</system-out></testsuite>"
        )
        for encoding in ("utf-8", "utf-16"):
            two.write_bytes(body.encode(encoding))
            with pytest.raises(Invalid, match=r"2\.xml has a document type"):
                read_report([one, two])


def test_what_cannot_be_sent_is_refused_before(tmp_path):
    empty, html, large = (tmp_path / name for name in ("empty", "html", "large"))
    empty.write_text(" \n")
    html.write_text("<html/>")
    large.write_bytes(b"<" + b" " * MOST_BYTES)
    for files in ([tmp_path / "missing"], [], [empty], [html, html], [large], [empty, html]):
        with pytest.raises(Invalid):
            read_report(files)
