#!/usr/bin/env bash
# standardwebhooks (Python): sign() takes bytes and signs the text b'...', so its own verify() refuses the message.
#
# One would expect: sign() and verify() take the same body; verify() takes text and bytes.
# What happens: sign() puts the body into an f-string. Bytes become their representation, with b and quotes, and the
#   signature is over that. verify() decodes bytes first, so no receiver, in any language, finds the signature right.
#   Nothing is raised on the side that made the mistake.
# Versions: standardwebhooks 1.1.0 (PyPI).
# Why it matters: a request body is bytes in most clients. The sender sees only the receiver's refusals. Decode before
#   sign().
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile standardwebhooks==1.1.0
"$work/venv/bin/python" - <<'EOF'
import base64, importlib.metadata, sys
from datetime import datetime, timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

hook = Webhook("whsec_" + base64.b64encode(b"a sample secret of 24 by").decode())
now = datetime.now(timezone.utc)
signatures = {"text": hook.sign("msg_1", now, '{"task": 7}'), "bytes": hook.sign("msg_1", now, b'{"task": 7}')}
seen = {}
for signed, signature in signatures.items():
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    for kind, body in (("text", '{"task": 7}'), ("bytes", b'{"task": 7}')):
        try:
            hook.verify(body, headers)
            seen[signed, kind] = "verified"
        except WebhookVerificationError:
            seen[signed, kind] = "refused"
print("version: standardwebhooks", importlib.metadata.version("standardwebhooks"))
print("seen: (signed as, verified as) -> result:", seen)
right = {("text", "text"): "verified", ("text", "bytes"): "verified"}
if seen != right | {("bytes", "text"): "refused", ("bytes", "bytes"): "refused"}:
    sys.exit("not as described: standardwebhooks has changed")
same = hook.sign("msg_1", now, str(b'{"task": 7}')) == signatures["bytes"]
print("seen: the signature of bytes is that of their representation:", same)
if not same:
    sys.exit("not as described: standardwebhooks has changed")
print("as expected by this finding")
EOF
