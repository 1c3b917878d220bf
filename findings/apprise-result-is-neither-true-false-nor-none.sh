#!/usr/bin/env bash
# apprise 2: what notify() returns is not equal to True, False or None, so old checks take every branch but the right one.
#
# One would expect: True or False, and None when no service matched, as notify() of apprise 1 answered.
# What happens: it is an AppriseResult. It is false in a condition unless all went well, but it equals nothing: "is None"
#   and "is False" never hold. No service of that tag (NOMATCH) and half of the services (PARTIAL) look alike in a condition;
#   only .status tells them apart. json.dumps() refuses it.
# Versions: apprise 2.3.0 and 1.9.4 (PyPI).
# Why it matters: "if result is None: nobody is to be told" and "if result is False: retry" still run, and are never
#   true: a failed message is not retried. "if not result: retry" sends once more to the services that have it already.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cat > "$work/notify.py" <<'EOF'
import importlib.metadata, json, sys
from apprise import Apprise
from apprise.decorators import notify


@notify(on="good")
def good(body, title, notify_type, *args, **kwargs):
    return True


@notify(on="bad")
def bad(body, title, notify_type, *args, **kwargs):
    return False


seen = {}
for services in ((), ("bad://",), ("good://", "bad://"), ("good://",)):
    office = Apprise()
    office.add("good://", tag="not asked for")
    for service in services:
        office.add(service, tag="alarm")
    result = office.notify(body="A builder is silent", tag="alarm")
    same = [str(value) for value in (True, False, None) if result is value or result == value]
    status = getattr(result, "status", None)
    seen[" ".join(services) or "none"] = (getattr(status, "name", "-"), bool(result), same)
print("version: apprise", importlib.metadata.version("apprise"))
print("seen: services -> (status, true in a condition, equals):", seen)
new = {"none": ("NOMATCH", False, []), "bad://": ("FAILURE", False, []),
       "good:// bad://": ("PARTIAL", False, []), "good://": ("SUCCESS", True, [])}
old = {"none": ("-", False, ["None"]), "bad://": ("-", False, ["False"]),
       "good:// bad://": ("-", False, ["False"]), "good://": ("-", True, ["True"])}
if seen != {"2": new, "1": old}[sys.argv[1]]:
    sys.exit("not as described: apprise has changed")
EOF
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile apprise==2.3.0
"$work/venv/bin/pip" install -qq --no-compile --no-deps --target "$work/old" apprise==1.9.4
"$work/venv/bin/python" "$work/notify.py" 2
PYTHONPATH="$work/old" "$work/venv/bin/python" "$work/notify.py" 1
echo "as expected by this finding"
