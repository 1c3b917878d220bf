#!/usr/bin/env bash
# xunitparser: a report of nested suites has no tests, and is called a success.
#
# One would expect: tests of a suite inside a suite are read, or the file is refused.
# What happens: only suites directly below the root are looked at. A failing test one level deeper is gone: zero tests
#   run, zero failures, and wasSuccessful() is True. Several suites side by side are melted into one, named by the last.
# Versions: xunitparser 1.3.4 (PyPI).
# Why it matters: some writers (node:test, for one) put a suite inside a suite for every nested group. A gate that asks
#   wasSuccessful() lets a failing run pass. Count the testcase elements of the file and compare.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile xunitparser==1.3.4
"$work/venv/bin/python" - <<'EOF'
import importlib.metadata, io, sys
import xunitparser

CASES = '<testcase classname="c" name="a"/><testcase classname="c" name="b"><failure message="broken"/></testcase>'
REPORTS = {
    "nested": f'<testsuites><testsuite name="outer"><testsuite name="inner">{CASES}</testsuite></testsuite></testsuites>',
    "side by side": '<testsuites><testsuite name="first"><testcase classname="c" name="a"/></testsuite>'
    f'<testsuite name="last">{CASES}</testsuite></testsuites>',
}
seen = {}
for kind, xml in REPORTS.items():
    suite, result = xunitparser.parse(io.StringIO(xml))
    seen[kind] = (suite.name, result.testsRun, len(result.failures), result.wasSuccessful())
print("version: xunitparser", importlib.metadata.version("xunitparser"))
print("seen: report -> (suite, tests, failures, successful):", seen)
if seen != {"nested": ("outer", 0, 0, True), "side by side": ("last", 3, 1, False)}:
    sys.exit("not as described: xunitparser has changed")
print("as expected by this finding")
EOF
