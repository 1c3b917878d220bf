#!/usr/bin/env bash
# pytest 9: a plug-in hears of a keyboard interrupt when a module cannot be collected, and nobody pressed a key.
#
# One would expect: `pytest_keyboard_interrupt` is called for a KeyboardInterrupt, as its name and documentation say
#   ("called for keyboard interrupt").
# What happens: it is also called with `Session.Interrupted`, a subclass of KeyboardInterrupt, when a module has an error
#   during its collection. The exit code is the same for both, 2.
# Versions: pytest 9.2.0 (PyPI).
# Why it matters: a plug-in that reports runs, and leaves out those that a person has stopped, loses every run with a
#   broken import. The type of `excinfo.value` tells one from the other, isinstance() does not.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile pytest==9.2.0
cat > "$work/hears.py" <<'EOF'
def pytest_keyboard_interrupt(excinfo):
    kind = type(excinfo.value)
    with open("heard", "a") as file:
        file.write(f"{kind.__name__} {issubclass(kind, KeyboardInterrupt)}\n")
EOF
echo "import no_such_module" > "$work/test_a.py"
cd "$work"
code=0
venv/bin/python -m pytest -q -c /dev/null --rootdir . -p hears test_a.py > output || code=$?
echo "version: pytest $(venv/bin/python -c 'import pytest; print(pytest.__version__)')"
echo "seen: exit code $code, heard: $(cat heard)"
[ "$code $(cat heard)" = "2 Interrupted True" ] || { echo "not as described: pytest has changed" >&2; exit 1; }
echo "as expected by this finding"
