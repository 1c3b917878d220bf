#!/usr/bin/env bash
# jest-junit: a test file that cannot be loaded is not in the report, and the report is green.
#
# One would expect: a file with a broken import is an error in the report, as it is on the console (FAIL, exit code 1).
# What happens: with default options the reporter writes only files that have at least one result. The broken file has
#   none, so the report counts one passed test and no failure. reportTestSuiteErrors: "true" brings it back; the options
#   are not on by default.
# Versions: jest 30.5.2, jest-junit 17.0.0 (npm).
# Why it matters: the commonest fault of a refactoring, a moved module, turns a report from ten files into one of nine that
#   all pass. Turn the option on, and send the exit code along with the report.
# Reference: jest-community/jest-junit issues 46 and 212.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" jest@30.5.2 jest-junit@17.0.0
echo '{"name": "sample", "jest": {"reporters": ["jest-junit"]}}' > "$work/package.json"
echo "test('passes', () => {});" > "$work/good.test.js"
printf "require('./moved');\ntest('never runs', () => {});\n" > "$work/broken.test.js"
cd "$work"
run() { # prints the exit code and the root element of the report
  local code=0
  CI=true node_modules/.bin/jest > output 2>&1 || code=$?
  echo "exit $code, $(grep -o '<testsuites [^>]*>' junit.xml | sed 's/ time="[^"]*"//')"
}
default=$(run)
told=$(JEST_JUNIT_REPORT_TEST_SUITE_ERRORS=true run)
echo "version: node $(node --version), jest $(node_modules/.bin/jest --version), jest-junit 17.0.0"
echo "seen: by default: $default"
echo "seen: with reportTestSuiteErrors: $told"
[ "$default" = 'exit 1, <testsuites name="jest tests" tests="1" failures="0" errors="0">' ]
grep -q 'errors="1"' <<< "$told"
echo "as expected by this finding"
