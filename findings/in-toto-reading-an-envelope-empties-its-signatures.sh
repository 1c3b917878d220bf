#!/usr/bin/env bash
# securesystemslib: Envelope.from_dict() empties the signatures of the dictionary it is given.
#
# One would expect: reading a DSSE envelope leaves what was read alone.
# What happens: from_dict() takes keyid and sig out of each signature of the caller's dictionary. The envelope is whole;
#   the dictionary is left with signatures [{}]. in-toto's Metadata.from_dict() does the same to what it is given.
# Versions: securesystemslib 1.6.0, in-toto 3.1.0, cryptography 50.0.2 (PyPI).
# Why it matters: a service that verifies an attestation and then stores or passes on the same dictionary keeps one
#   without signatures, and a second from_dict() of it fails. Give it a deep copy.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile securesystemslib==1.6.0 in-toto==3.1.0 cryptography==50.0.2
"$work/venv/bin/python" - <<'EOF'
import importlib.metadata, sys
from in_toto.models.link import Link
from in_toto.models.metadata import Envelope, Metadata
from securesystemslib import dsse
from securesystemslib.signer import CryptoSigner

seen = {}
for name, read in (("securesystemslib", dsse.Envelope.from_dict), ("in-toto", Metadata.from_dict)):
    envelope = Envelope.from_signable(Link(name="build"))
    envelope.create_signature(CryptoSigner.generate_ed25519())
    given = envelope.to_dict()
    before = [sorted(signature) for signature in given["signatures"]]
    whole = len(read(given).signatures) == 1
    try:
        read(given)
        again = "read"
    except Exception as error:
        again = type(error).__name__
    seen[name] = (before, given["signatures"], whole, again)
for name in ("securesystemslib", "in-toto"):
    print("version:", name, importlib.metadata.version(name))
print("seen: (keys before, signatures after, the envelope is whole, reading it again):", seen)
for before, after, whole, again in seen.values():
    if (before, after, whole) != ([["keyid", "sig"]], [{}], True) or again == "read":
        sys.exit("not as described: the readers have changed")
print("as expected by this finding")
EOF
