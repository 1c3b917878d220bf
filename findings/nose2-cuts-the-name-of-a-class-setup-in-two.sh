#!/usr/bin/env bash
# nose2: the error of a setUpClass is written under the class "setUpClass (test_a" and the name "Orders)", in 1970.
#
# One would expect: classname "test_a.Orders" with name "setUpClass", or the label of unittest, "setUpClass (test_a.Orders)".
# What happens: the junitxml plugin cuts unittest's label at its last dot as if it were a test id. It also never saw the
#   start of such a "test", so its timestamp is 1970-01-01T00:00:00.
# Versions: nose2 0.16.0 (PyPI), plugin nose2.plugins.junitxml.
# Why it matters: a rule that knows set-up errors by their name ("setUpClass (...)") does not know these, so the next,
#   repaired run seems to have lost a test called "Orders)"; and the oldest stamp of the report makes the run old.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile nose2==0.16.0
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
venv/bin/python -m nose2 --plugin nose2.plugins.junitxml --junit-xml test_a > output 2>&1 || true
venv/bin/python - <<'EOF'
import importlib.metadata, sys
from xml.etree import ElementTree

cases = list(ElementTree.parse("nose2-junit.xml").iter("testcase"))
seen = [(case.get("classname"), case.get("name"), case.get("timestamp")) for case in cases]
print("version: nose2", importlib.metadata.version("nose2"))
print("seen: (classname, name, timestamp):", seen)
if seen != [("setUpClass (test_a", "Orders)", "1970-01-01T00:00:00")]:
    sys.exit("not as described: the plugin has changed")
print("as expected by this finding")
EOF
