#!/usr/bin/env bash
# in-toto-attestation: an integer in a predicate comes back as a float, and a large one as another number.
#
# One would expect: a predicate is kept as it was given, since it is about to be signed.
# What happens: a predicate is a protobuf Struct, which knows only doubles. 3 becomes 3.0, and 9007199254740993 becomes
#   9007199254740992.0. Statement.validate() has nothing against it.
# Versions: in-toto-attestation 0.9.3, protobuf 7.36.2 (PyPI).
# Why it matters: ids of runs, sizes and times in nanoseconds are integers above 2**53. The statement that is signed then
#   names another run, and JSON made from it differs from the JSON it was made of, so a digest over both never agrees.
#   Such values belong in strings.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile in-toto-attestation==0.9.3 protobuf==7.36.2
"$work/venv/bin/python" - <<'EOF'
import importlib.metadata, json, sys
from google.protobuf.json_format import MessageToDict
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

subject = ResourceDescriptor(name="report.xml", digest={"sha256": "0" * 64}).pb
given = {"attempt": 3, "run": 2**53 + 1}
statement = Statement([subject], "https://example.org/test-run/v1", given)
statement.validate()
kept = MessageToDict(statement.pb)["predicate"]
for name in ("in-toto-attestation", "protobuf"):
    print("version:", name, importlib.metadata.version(name))
print("seen: given", json.dumps(given, sort_keys=True), "kept", json.dumps(kept, sort_keys=True))
if not isinstance(kept["attempt"], float) or int(kept["run"]) != 2**53:
    sys.exit("not as described: the bindings have changed")
print("as expected by this finding")
EOF
