#!/usr/bin/env bash
# vitest and junitparser: one test with three failed soft assertions gives minus two passed tests.
#
# One would expect: a test that fails is one failure, whatever the number of its failed assertions.
# What happens: vitest writes one failure element per failed expect.soft() into the same testcase and counts one failure.
#   junitparser's update_statistics() (which also runs when suites are merged) counts elements, not tests, and replaces
#   the right totals of the file by tests=1, failures=3. What is left for "passed" is -2.
# Versions: vitest 4.1.12 (npm), junitparser 5.0.3 (PyPI). pytest's subtests write several failures in a testcase as well.
# Why it matters: tests - failures - errors - skipped is how most tools compute what passed. Count testcases by the worst
#   of their children instead.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile junitparser==5.0.3
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" vitest@4.1.12
cat > "$work/a.test.js" <<'EOF'
import { expect, test } from 'vitest';
test('form', () => { for (const field of ['name', 'date', 'place']) expect.soft(field).toBe('filled in'); });
EOF
cd "$work"
code=0
node_modules/.bin/vitest run --reporter=junit --outputFile=report.xml > output 2>&1 || code=$?
echo "version: node $(node --version), $(node_modules/.bin/vitest --version)"
venv/bin/python - "$code" <<'EOF'
import importlib.metadata, sys
from junitparser import JUnitXml

report = JUnitXml.fromfile("report.xml")
written = (report.tests, report.failures)
report.update_statistics()
computed = (report.tests, report.failures)
print("version: junitparser", importlib.metadata.version("junitparser"))
print("seen: exit code", sys.argv[1], "(tests, failures) by vitest:", written, "after update_statistics():", computed)
if (sys.argv[1], written, computed) != ("1", (1, 1), (1, 3)):
    sys.exit("not as described: vitest or junitparser has changed")
print("as expected by this finding")
EOF
