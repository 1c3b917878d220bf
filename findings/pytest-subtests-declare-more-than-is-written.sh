#!/usr/bin/env bash
# pytest 9: a test with subtests is counted many times in the totals and written once.
#
# One would expect: tests="N" is the number of testcase elements of the suite.
# What happens: each subtest counts as a test, and each failed one as a failure; then the test itself counts again, with a
#   failure of its own that only says how many subtests failed. Four subtests, two of them failing, give tests="5" and
#   failures="3" over a single testcase that holds three failure elements.
# Versions: pytest 9.2.0 (PyPI); subtests are built in since pytest 9.
# Why it matters: "more tests declared than written" is a good sign of a cut-off report everywhere else. Here it is how a
#   whole report looks, so a reader that refuses such files refuses true ones.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile pytest==9.2.0
cat > "$work/test_a.py" <<'EOF'
def test_numbers(subtests):
    for number in range(4):
        with subtests.test(number=number):
            assert number % 2 == 0
EOF
cd "$work"
code=0
venv/bin/python -m pytest -q -c /dev/null --rootdir . --junitxml=report.xml test_a.py > output || code=$?
venv/bin/python - "$code" <<'EOF'
import importlib.metadata, sys
from xml.etree import ElementTree

suite = next(ElementTree.parse("report.xml").iter("testsuite"))
declared = (suite.get("tests"), suite.get("failures"))
written = [len(list(case.iter("failure"))) for case in suite.iter("testcase")]
last = list(suite.iter("failure"))[-1].get("message")
print("version: pytest", importlib.metadata.version("pytest"))
print("seen: exit code", sys.argv[1], "declared (tests, failures)", declared, "failures in each testcase", written, repr(last))
if (sys.argv[1], declared, written, last) != ("1", ("5", "3"), [3], "contains 2 failed subtests"):
    sys.exit("not as described: pytest has changed")
print("as expected by this finding")
EOF
