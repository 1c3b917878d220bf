#!/usr/bin/env bash
# securesystemslib: a DSSE envelope without keyid cannot be read, and with an empty one not verified.
#
# One would expect: what the envelope's specification allows is read. There keyid is optional, an unset one is the same as
#   an empty one, and it is a hint that no verifier may rely on.
# What happens: without keyid Envelope.from_dict() raises KeyError; with an empty one verify() finds no signature, although
#   the right key is given. (The docstring of verify() says that it matches the keyid; from_dict() says nothing.)
# Versions: securesystemslib 1.6.0, cryptography 50.0.2 (PyPI).
# Why it matters: envelopes of other producers that are right fail with an error that looks like a damaged file. Who writes
#   envelopes for such readers sets keyid to the very text that the reader's key has.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile securesystemslib==1.6.0 cryptography==50.0.2
"$work/venv/bin/python" - <<'PYTHON'
import importlib.metadata, sys
from copy import deepcopy
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

signer = CryptoSigner.generate_ed25519()
envelope = Envelope(b"{}", "text/plain", {})
envelope.sign(signer)
whole = envelope.to_dict()


def outcome(change):
    given = deepcopy(whole)
    change(given)
    try:
        Envelope.from_dict(given).verify([signer.public_key], 1)
    except Exception as error:
        return type(error).__name__
    return "verified"


seen = {
    "as it was written": outcome(lambda given: None),
    "without keyid": outcome(lambda given: given["signatures"][0].pop("keyid")),
    "empty keyid": outcome(lambda given: given["signatures"][0].update(keyid="")),
}
for name in ("securesystemslib", "cryptography"):
    print("version:", name, importlib.metadata.version(name))
print("seen:", seen)
if [*seen.values()] != ["verified", "KeyError", "VerificationError"]:
    sys.exit("not as described: the reader has changed")
print("as expected by this finding")
PYTHON
