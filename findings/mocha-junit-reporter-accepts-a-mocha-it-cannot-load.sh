#!/usr/bin/env bash
# mocha-junit-reporter: its peer range accepts every mocha from 2.2.5 on, and with mocha 12 no test is run at all.
#
# One would expect: npm warns when a reporter does not fit the runner, or the reporter works.
# What happens: the reporter declares mocha ">=2.2.5" as its peer, so npm installs it beside mocha 12 without a word.
#   mocha 12's base reporter is a class; the reporter calls it as a function. mocha raises a TypeError before the first
#   test, exits with 1, and leaves no report file. With mocha 11 the same project passes.
# Versions: mocha-junit-reporter 2.2.1 with mocha 12.0.3 and 11.7.5 (npm).
# Why it matters: after an update of mocha a build has no report instead of a red one. A watcher that takes a missing or an
#   older report for "nothing new" does not notice.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
seen=""
for mocha in 12.0.3 11.7.5; do
  home="$work/$mocha"; mkdir "$home"
  npm install --silent --prefer-offline --no-audit --no-fund --prefix "$home" "mocha@$mocha" mocha-junit-reporter@2.2.1
  echo "it('passes', () => {});" > "$home/a.js"
  code=0
  (cd "$home" && node_modules/.bin/mocha --reporter mocha-junit-reporter a.js > output 2>&1) || code=$?
  cause=$(grep -o "TypeError: Class constructor Base cannot be invoked without 'new'" "$home/output" | head -1 || true)
  report=$([ -f "$home/test-results.xml" ] && echo written || echo missing)
  seen="$seen$mocha: exit $code, report $report${cause:+, $cause}; "
done
peer=$(node -p "require('$work/12.0.3/node_modules/mocha-junit-reporter/package.json').peerDependencies.mocha")
echo "version: node $(node --version), mocha-junit-reporter 2.2.1, its peer mocha $peer"
echo "seen: $seen"
[ "$peer" = ">=2.2.5" ]
[ "$seen" = "12.0.3: exit 1, report missing, TypeError: Class constructor Base cannot be invoked without 'new'; 11.7.5: exit 0, report written; " ]
echo "as expected by this finding"
