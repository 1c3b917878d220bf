#!/usr/bin/env bash
# pytest-rerunfailures: each failed attempt is written as a testcase without a failure, that is, as a passed test.
#
# One would expect: one testcase per test, with the last outcome (and perhaps rerunFailure or flakyFailure elements).
# What happens: --reruns 2 with a test that fails three times of three writes three testcases of one name: two without any
#   child, and the last with the failure. The suite says tests="1", so the file disagrees with itself.
# Versions: pytest 9.2.0, pytest-rerunfailures 16.7 (PyPI).
# Why it matters: whoever counts testcases sees two passes and one failure where one test never passed, and finds two
#   tests missing on the day it passes at once. A name that is repeated in a pytest report is an attempt, not a test.
# Reference: pytest-dev/pytest-rerunfailures issues 76 and 170.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile pytest==9.2.0 pytest-rerunfailures==16.7
printf 'def test_never():\n    assert False\n' > "$work/test_a.py"
cd "$work"
code=0
venv/bin/python -m pytest -q -c /dev/null --rootdir . --reruns 2 --junitxml=report.xml test_a.py > output || code=$?
venv/bin/python - "$code" <<'EOF'
import importlib.metadata, sys
from xml.etree import ElementTree

suite = next(ElementTree.parse("report.xml").iter("testsuite"))
totals = (suite.get("tests"), suite.get("failures"))
cases = [(case.get("name"), [child.tag for child in case]) for case in suite.iter("testcase")]
for name in ("pytest", "pytest-rerunfailures"):
    print("version:", name, importlib.metadata.version(name))
print("seen: exit code", sys.argv[1], "(tests, failures)", totals, "testcases", cases)
expected = [("test_never", []), ("test_never", []), ("test_never", ["failure"])]
if (sys.argv[1], totals, cases) != ("1", ("1", "1"), expected):
    sys.exit("not as described: pytest-rerunfailures has changed")
print("as expected by this finding")
EOF
