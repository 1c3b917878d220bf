#!/usr/bin/env bash
# jest-junit: a test that is only planned (test.todo) is written as a passed test.
#
# One would expect: test.todo() is written as skipped, as jest-junit does for test.skip(), or left out.
# What happens: jest counts it apart ("1 todo"), but the reporter knows only "failed" and "pending". A todo becomes a
#   testcase without any child, which every reader takes for a pass; skipped stays at the number of test.skip() calls.
# Versions: jest 30.5.2, jest-junit 17.0.0 (npm).
# Why it matters: a suite of nothing but plans is a suite in which everything passes. A list of test.todo() written before
#   the work begins cannot be told from finished work by its report.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" jest@30.5.2 jest-junit@17.0.0
echo '{"name": "sample", "jest": {"reporters": ["default", "jest-junit"]}}' > "$work/package.json"
cat > "$work/plan.test.js" <<'EOF'
test.todo('is only planned');
test.skip('is skipped', () => {});
test('passes', () => {});
EOF
cd "$work"
CI=true node_modules/.bin/jest > output 2>&1
console=$(grep '^Tests:' output | tr -s ' ')
echo "version: node $(node --version), jest $(node_modules/.bin/jest --version), jest-junit 17.0.0"
python3 - "$console" <<'EOF'
import sys
from xml.etree import ElementTree

root = ElementTree.parse("junit.xml").getroot()
cases = {case.get("name").strip(): [child.tag for child in case] for case in root.iter("testcase")}
skipped = [suite.get("skipped") for suite in root.iter("testsuite")]
print("seen: console:", sys.argv[1], "| report: skipped", skipped, "children of each testcase", cases)
if sys.argv[1] != "Tests: 1 skipped, 1 todo, 1 passed, 3 total":
    sys.exit("not as described: jest has changed")
if (skipped, cases) != (["1"], {"is only planned": [], "is skipped": ["skipped"], "passes": []}):
    sys.exit("not as described: jest-junit has changed")
print("as expected by this finding")
EOF
