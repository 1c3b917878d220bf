#!/usr/bin/env bash
# newman and junitparser: a request that never left the machine has a passed test, and after reading there was no error.
#
# One would expect: when a connection is refused, the tests of that request fail in the JUnit report.
# What happens: newman runs the tests without an answer and writes those that pass by themselves as passed. The refusal is
#   errors="1" and a system-err on the suite; the root has no total of errors. junitparser counts testcases only, so
#   update_statistics() turns the suite's error into 0. What is left is one test, no failure, no error.
# Versions: newman 6.2.2 (npm), junitparser 5.0.3 (PyPI). prove with TAP::Formatter::JUnit writes its errors in this way, too.
# Why it matters: newman ended with exit code 1. An error that hangs on a suite has to be looked for before totals are
#   computed anew.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile junitparser==5.0.3
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" newman@6.2.2
cd "$work"
cat > collection.py <<'EOF'
import json, socket

with socket.socket() as closed:  # a port on which nobody listens once this program has ended
    closed.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
test = {"listen": "test", "script": {"exec": ["pm.test('has no server error', () => pm.expect(pm.response.code).to.not.equal(500))"]}}
schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
item = {"name": "health", "request": {"method": "GET", "url": url}, "event": [test]}
json.dump({"info": {"name": "sample", "schema": schema}, "item": [item]}, open("collection.json", "w"))
EOF
python3 collection.py
code=0
node_modules/.bin/newman run collection.json --reporters junit --reporter-junit-export report.xml > output 2>&1 || code=$?
echo "version: node $(node --version), newman $(node_modules/.bin/newman --version)"
venv/bin/python - "$code" <<'EOF'
import importlib.metadata, sys
from junitparser import JUnitXml

report = JUnitXml.fromfile("report.xml")
suite = next(iter(report))
written = (suite.tests, suite.failures, suite.errors, [case.is_passed for case in suite])
report.update_statistics()
computed = (report.tests, report.failures, report.errors)
print("version: junitparser", importlib.metadata.version("junitparser"))
print("seen: exit code", sys.argv[1], "suite (tests, failures, errors, passed)", written, "after update_statistics()", computed)
if (sys.argv[1], written, computed) != ("1", (1, 0, 1, [True]), (1, 0, 0)):
    sys.exit("not as described: newman or junitparser has changed")
print("as expected by this finding")
EOF
