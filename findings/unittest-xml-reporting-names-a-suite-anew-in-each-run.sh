#!/usr/bin/env bash
# unittest-xml-reporting: the name of every suite ends in the time of the run, so no two runs have a suite in common.
#
# One would expect: a suite is called after its test class, in each run the same.
# What happens: with default options the name is "test_a.Orders-20260102030405": the second in which the run began is part
#   of it, inside the file too, not only in the name of the file. outsuffix="" leaves a bare class name.
# Versions: unittest-xml-reporting 4.0.0 (PyPI).
# Why it matters: a tool that knows a test by suite, class and name finds that all tests of the last run have vanished and
#   all of this run are new. For this writer the suite must be left out of a test's identity.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile unittest-xml-reporting==4.0.0
cat > "$work/test_a.py" <<'EOF'
import unittest


class Orders(unittest.TestCase):
    def test_are_stored(self):
        pass
EOF
cd "$work"
venv/bin/python -m xmlrunner --output-file first.xml test_a > output 2>&1
python3 -c 'import time; second = int(time.time()); [time.sleep(0.05) for _ in range(100) if int(time.time()) == second]'
venv/bin/python -m xmlrunner --output-file second.xml test_a >> output 2>&1
venv/bin/python -m xmlrunner --outsuffix "" --output-file bare.xml test_a >> output 2>&1
venv/bin/python - <<'EOF'
import importlib.metadata, re, sys
from xml.etree import ElementTree

names = {run: next(ElementTree.parse(f"{run}.xml").iter("testsuite")).get("name") for run in ("first", "second", "bare")}
print("version: unittest-xml-reporting", importlib.metadata.version("unittest-xml-reporting"))
print("seen: name of the suite in two runs, and with outsuffix='':", names)
stamped = all(re.fullmatch(r"test_a\.Orders-\d{14}", names[run]) for run in ("first", "second"))
if not stamped or names["first"] == names["second"] or names["bare"] != "test_a.Orders":
    sys.exit("not as described: unittest-xml-reporting has changed")
print("as expected by this finding")
EOF
