"""Sign exact bytes in a DSSE envelope (protocol 1.0 of secure-systems-lab/dsse)."""

import json
from base64 import b64decode, b64encode
from typing import NamedTuple, Protocol


class Signer(Protocol):
    """A private key of the office under its name."""

    @property
    def key_id(self) -> str: ...
    @property
    def public_key(self) -> bytes: ...
    def sign(self, message: bytes) -> bytes: ...


class Envelope(NamedTuple):
    """A payload and its signature, as they were made: neither is ever made again."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    def to_json(self) -> bytes:
        """Return the envelope in JSON, the same bytes each time."""
        signatures = [{"keyid": self.key_id, "sig": b64encode(self.signature).decode()}]
        return canonical_json(
            {
                "payload": b64encode(self.payload).decode(),
                "payloadType": self.payload_type,
                "signatures": signatures,
            }
        )


def sign_payload(payload: bytes, payload_type: str, signer: Signer) -> Envelope:
    """Return an envelope with the payload signed by one key."""
    signature = signer.sign(pre_authentication_encoding(payload_type, payload))
    return Envelope(payload_type, payload, signer.key_id, signature)


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed: type and payload, each after its length."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def canonical_json(value: object) -> bytes:
    """Return JSON of one form: sorted names, no spaces, UTF-8, and a line break at the end."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode()


def read_envelope(content: bytes) -> Envelope:
    """Return the envelope of its JSON; its signature is not checked."""
    read = json.loads(content)
    (signature,) = read["signatures"]
    return Envelope(
        read["payloadType"],
        b64decode(read["payload"], validate=True),
        signature["keyid"],
        b64decode(signature["sig"], validate=True),
    )
