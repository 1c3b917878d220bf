#!/usr/bin/env bash
# import-linter: a module in a folder without __init__.py breaks a contract that is reported as kept.
#
# One would expect: what Python can import as part of the package is checked, or its omission is mentioned.
# What happens: Python takes the folder for a namespace package and imports the module. import-linter leaves the whole
#   folder out of its graph without a word. An empty __init__.py, and the same contract is broken.
# Versions: import-linter 2.17, grimp 3.20 (PyPI).
# Why it matters: "scripts", "commands" and "migrations" are the folders in which an __init__.py is forgotten. Let a test
#   compare the files on disk with the modules of the graph.
# Reference: python-grimp/grimp issue 298, seddonym/import-linter issue 202.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile import-linter==2.17 grimp==3.20
mkdir -p "$work/house/low/scripts" "$work/house/high"
touch "$work/house/__init__.py" "$work/house/low/__init__.py" "$work/house/high/__init__.py"
echo "from house import high" > "$work/house/low/scripts/report.py"
printf '[importlinter]\nroot_package = house\n[importlinter:contract:1]\nname = line\ntype = layers\nlayers =\n    house.high\n    house.low\n' \
  > "$work/.importlinter"
cd "$work"
python3 -c "import house.low.scripts.report"
check() { # prints the exit code and the verdict
  local code=0
  venv/bin/lint-imports --no-cache > output 2>&1 || code=$?
  echo "exit $code, $(grep -o '^line [A-Z]*' output)"
}
without=$(check)
touch house/low/scripts/__init__.py
with=$(check)
echo "version: $(venv/bin/pip list 2> /dev/null | grep -E '^(import-linter|grimp) ' | tr -s ' \n' ' ')"
echo "seen: without __init__.py: $without; with it: $with"
[ "$without" = "exit 0, line KEPT" ] && [ "$with" = "exit 1, line BROKEN" ]
echo "as expected by this finding"
