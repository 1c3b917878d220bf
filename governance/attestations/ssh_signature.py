"""Signatures in OpenSSH's form (SSHSIG), for machines that have ssh-keygen and no OpenSSL 3.

A raw signature by Ed25519 cannot be checked with ssh-keygen: it signs a text of its own form, which
names a purpose. `ssh-keygen -Y verify -n foreman-office` checks these.
"""

from base64 import b64encode
from hashlib import sha512
from textwrap import wrap

from governance.attestations.envelope import Signer

NAMESPACE = b"foreman-office"
HASH = b"sha512"
KIND = b"ssh-ed25519"


def ssh_signature(message: bytes, signer: Signer) -> bytes:
    """Return an armoured signature of a message."""
    purpose = _strings(NAMESPACE, b"", HASH)
    signature = signer.sign(b"SSHSIG" + purpose + _strings(sha512(message).digest()))
    key = _strings(KIND, signer.public_key)
    blob = b"SSHSIG\0\0\0\1" + _strings(key) + purpose + _strings(_strings(KIND, signature))
    lines = wrap(b64encode(blob).decode(), 70)
    return "\n".join(
        ["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]
    ).encode()


def _strings(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
