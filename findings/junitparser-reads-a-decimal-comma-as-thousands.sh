#!/usr/bin/env bash
# A duration with a comma has three values in three JUnit readers, and none of them says so.
#
# One would expect: time="0,5" (a writer in a locale with a decimal comma) and time="1,234.5" (a writer that groups
#   thousands) are read as 0.5 and 1234.5 seconds, or refused.
# What happens: junitparser drops every comma, so half a second becomes five seconds. junit-to-ctrf stops at the comma,
#   so 1234.5 seconds become one second and half a second becomes nothing. Only xunitparser refuses both.
# Versions: junitparser 5.0.3, xunitparser 1.3.4 (PyPI), junit-to-ctrf 0.0.14 (npm).
# Why it matters: the end of a run is often computed from its durations, and slow tests are found by them. A wrong value
#   passes for a right one; whoever needs durations must look at the raw text of the attribute.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile junitparser==5.0.3 xunitparser==1.3.4
npm install --silent --prefer-offline --no-audit --no-fund --prefix "$work" junit-to-ctrf@0.0.14
for time in 0,5 1,234.5; do
  echo "<testsuites><testsuite name=\"s\" tests=\"1\"><testcase classname=\"c\" name=\"t\" time=\"$time\"/></testsuite></testsuites>" > "$work/$time.xml"
  (cd "$work" && node_modules/.bin/junit-to-ctrf "$time.xml" -o "$time.json" > /dev/null)
done
"$work/venv/bin/python" - "$work" <<'EOF'
import importlib.metadata, io, json, sys
from pathlib import Path
import junitparser, xunitparser

work, seen = Path(sys.argv[1]), {}
for text in ("0,5", "1,234.5"):
    xml = (work / f"{text}.xml").read_text()
    case = next(iter(next(iter(junitparser.JUnitXml.fromstring(xml)))))
    try:
        cases, _ = xunitparser.parse(io.StringIO(xml))
        refused = f"read as {next(iter(cases)).time}"
    except ValueError:
        refused = "ValueError"
    milliseconds = json.loads((work / f"{text}.json").read_text())["results"]["tests"][0]["duration"]
    seen[text] = (case.time, milliseconds / 1000, refused)
for name in ("junitparser", "xunitparser"):
    print("version:", name, importlib.metadata.version(name))
print("seen: text -> (junitparser, junit-to-ctrf, xunitparser):", seen)
if seen != {"0,5": (5.0, 0.0, "ValueError"), "1,234.5": (1234.5, 1.0, "ValueError")}:
    sys.exit("not as described: the readers have changed")
print("as expected by this finding")
EOF
