#!/usr/bin/env bash
# whitenoise: a client that says "gzip;q=0" is sent gzip.
#
# One would expect: q=0 means "not acceptable"; such a client is sent the file as it is.
# What happens: Accept-Encoding is searched for the word gzip, whatever follows it. "identity, gzip;q=0" gets the
#   compressed file; "GZIP", which is the same word by the standard, and "*" get the plain one.
# Versions: whitenoise 6.12.0 (PyPI). The standard: RFC 9110, sections 12.4.2 and 12.5.3.
# Why it matters: tools that cannot unpack say so in this way (probes, proxies that scan or rewrite). They take the
#   compressed bytes for the file.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile whitenoise==6.12.0
mkdir "$work/static"
python3 -c 'print("p { color: black }\n" * 200)' > "$work/static/page.css"
"$work/venv/bin/python" -m whitenoise.compress --quiet "$work/static"
"$work/venv/bin/python" - "$work/static" <<'EOF'
import importlib.metadata, sys
from wsgiref.util import setup_testing_defaults
from whitenoise import WhiteNoise

files, seen = WhiteNoise(None, root=sys.argv[1], prefix="/static/"), {}
for accept in ("gzip", "gzip;q=0", "identity, gzip;q=0", "GZIP", "*"):
    environ, answer = {"PATH_INFO": "/static/page.css", "HTTP_ACCEPT_ENCODING": accept}, {}
    setup_testing_defaults(environ)
    body = b"".join(files(environ, lambda status, headers: answer.update(headers)))
    seen[accept] = (answer.get("Content-Encoding", "identity"), body[:2] == b"\x1f\x8b")
print("version: whitenoise", importlib.metadata.version("whitenoise"))
print("seen: Accept-Encoding -> (Content-Encoding, body is gzip):", seen)
packed, plain = ("gzip", True), ("identity", False)
if seen != {"gzip": packed, "gzip;q=0": packed, "identity, gzip;q=0": packed, "GZIP": plain, "*": plain}:
    sys.exit("not as described: whitenoise has changed")
print("as expected by this finding")
EOF
