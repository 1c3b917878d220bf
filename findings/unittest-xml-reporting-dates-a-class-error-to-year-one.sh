#!/usr/bin/env bash
# unittest-xml-reporting: an error of setUpClass happened in the year 1, and so did its suite.
#
# One would expect: the timestamp of a suite is the time at which it ran.
# What happens: an error of setUpClass, tearDownClass or of an import is put into a suite of its own, named after a private
#   class of unittest. Nothing started it, so suite and testcase carry "0001-01-01T00:00:00", the smallest datetime.
# Versions: unittest-xml-reporting 4.0.0 (PyPI).
# Why it matters: a reader that takes the earliest stamp as the beginning of the run sees a run of two thousand years; one
#   that turns stamps into another time zone or into seconds since 1970 may fail on them, and lose a true failed run.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile unittest-xml-reporting==4.0.0
cat > "$work/test_a.py" <<'EOF'
import unittest


class Orders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no database")

    def test_are_stored(self):
        pass
EOF
cd "$work"
venv/bin/python -m xmlrunner --output-file report.xml test_a > output 2>&1 || true
venv/bin/python - <<'EOF'
import importlib.metadata, sys
from datetime import datetime, timedelta, timezone
from xml.etree import ElementTree

suite = next(ElementTree.parse("report.xml").iter("testsuite"))
stamps = [element.get("timestamp") for element in (suite, suite.find("testcase"))]
try:
    local = datetime.fromisoformat(stamps[0]).replace(tzinfo=timezone(timedelta(hours=1))).astimezone(timezone.utc)
except OverflowError as error:
    local = f"OverflowError: {error}"
print("version: unittest-xml-reporting", importlib.metadata.version("unittest-xml-reporting"))
print("seen: suite", suite.get("name").rsplit("-", 1)[0], "stamps", stamps, "an hour east of Greenwich in UTC:", local)
if stamps != ["0001-01-01T00:00:00"] * 2 or not str(local).startswith("OverflowError"):
    sys.exit("not as described: unittest-xml-reporting has changed")
print("as expected by this finding")
EOF
