#!/usr/bin/env bash
# mocha's xunit reporter: a failing before() hook makes the report count minus one skipped tests.
#
# One would expect: skipped is the number of skipped elements; failures is the number of failure elements.
# What happens: skipped is what is left when failures and passes are taken from tests. A failing hook is a failure but not
#   a test, so with one broken before() the suite says tests="0" errors="1" skipped="-1". failures is always 0: failed tests
#   are counted as errors, although each is written as a failure element. The tests behind the hook are not written.
# Versions: mocha 12.0.3 (npm), built-in reporter "xunit".
# Why it matters: a reader that believes the totals adds up nonsense, and one that checks them for sense (whole numbers
#   from zero) refuses a true report of a failed run. Count the elements.
# Reference: mochajs/mocha pull requests 4221 and 4233 (tests behind a failing hook disappear).
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" mocha@12.0.3
cat > "$work/a.js" <<'EOF'
describe('orders', () => {
  before(() => { throw new Error('no database'); });
  it('are stored', () => {});
  it('are listed', () => {});
});
EOF
code=0
"$work/node_modules/.bin/mocha" --reporter xunit "$work/a.js" > "$work/report.xml" || code=$?
echo "version: node $(node --version) mocha $("$work/node_modules/.bin/mocha" --version)"
python3 - "$work/report.xml" "$code" <<'EOF'
import sys
from xml.etree import ElementTree

suite = ElementTree.parse(sys.argv[1]).getroot()
totals = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
elements = {name: len(list(suite.iter(name))) for name in ("testcase", "failure", "error", "skipped")}
print("seen: exit code", sys.argv[2], "totals", totals, "elements", elements)
if (totals, elements, sys.argv[2]) != (
    {"tests": "0", "failures": "0", "errors": "1", "skipped": "-1"},
    {"testcase": 1, "failure": 1, "error": 0, "skipped": 0},
    "1",
):
    sys.exit("not as described: mocha has changed")
print("as expected by this finding")
EOF
