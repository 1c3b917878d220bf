#!/usr/bin/env bash
# junitparser: what is appended to a test's list of results is lost, without an error.
#
# One would expect: case.result is the list of results of the test, and append() adds one; or it is read-only and says so.
# What happens: every access builds a new list. append(), remove() and clear() change that list only; the test keeps what
#   it had, and update_statistics() and the written file know nothing of it. Only assigning a whole list has an effect.
# Versions: junitparser 5.0.3 (PyPI).
# Why it matters: a filter that marks a test as failed or skipped after the run (quarantine, exit code, crash of a worker)
#   looks right in review and changes nothing: a broken test stays green.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile junitparser==5.0.3
"$work/venv/bin/python" - <<'EOF'
import importlib.metadata, sys
from junitparser import Failure, TestCase, TestSuite


def failures(change):
    """Return how many failures the suite counts after `change` was made to its only test."""
    case, suite = TestCase("t"), TestSuite("s")
    change(case)
    suite.add_testcase(case)
    suite.update_statistics()
    return suite.failures


def append(case):
    case.result.append(Failure("broken"))


def assign(case):
    case.result = [*case.result, Failure("broken")]


def append_then_clear(case):
    assign(case)
    case.result.clear()


seen = {change.__name__: failures(change) for change in (append, assign, append_then_clear)}
print("version: junitparser", importlib.metadata.version("junitparser"))
print("seen: failures counted after each change:", seen)
if seen != {"append": 0, "assign": 1, "append_then_clear": 1}:
    sys.exit("not as described: junitparser has changed")
print("as expected by this finding")
EOF
