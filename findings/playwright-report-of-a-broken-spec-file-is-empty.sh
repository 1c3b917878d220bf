#!/usr/bin/env bash
# Playwright: one spec file that cannot be loaded, and the JUnit report says zero tests, zero failures, zero errors.
#
# One would expect: the broken file is an error in the report, and the other files are run.
# What happens: nothing is run. The console names the missing module and the exit code is 1, but the report is a complete,
#   well-formed document of totals that are all 0, as after a run in which nothing was asked for.
# Versions: @playwright/test 1.65.1 (npm); no browser is needed.
# Why it matters: "no failures, no errors" is how many gates read success. A report without tests has to count as a failure
#   of its own, and it replaces the last good report under the same name.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" @playwright/test@1.65.1
cd "$work"
mkdir specs
echo "const { test } = require('@playwright/test'); test('passes', () => {});" > specs/good.spec.js
run() { # prints the exit code and the totals of the report
  local code=0
  PLAYWRIGHT_JUNIT_OUTPUT_NAME=report.xml node_modules/.bin/playwright test --reporter=junit specs > output 2>&1 || code=$?
  echo "exit $code, $(grep -o '<testsuites [^>]*>' report.xml | sed 's/ time="[^"]*"//')"
}
before=$(run)
echo "require('./moved');" > specs/broken.spec.js
after=$(run)
echo "version: node $(node --version), playwright $(node_modules/.bin/playwright --version)"
echo "seen: good file alone: $before"
echo "seen: with a broken file beside it: $after"
[ "$before" = 'exit 0, <testsuites id="" name="" tests="1" failures="0" skipped="0" errors="0">' ]
[ "$after" = 'exit 1, <testsuites id="" name="" tests="0" failures="0" skipped="0" errors="0">' ]
echo "as expected by this finding"
