"""The office's evidence key, with which it signs what it hands out."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from governance.sealing.keys import CannotSealError, expected_private, newest_entry
from governance.sealing.notes import PublicKey


class OfficeSigner(NamedTuple):
    """The key that signs checkpoints now."""

    public: PublicKey
    private: Ed25519PrivateKey

    @property
    def key_id(self) -> str:
        """Return its name and id, as signed notes have them."""
        return f"{self.public.name}+{self.public.key_id.hex()}"

    @property
    def public_key(self) -> bytes:
        return self.public.key

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


def office_signer() -> OfficeSigner:
    """Return the key that the record expects; raises `CannotSealError` where it is not here."""
    entry = newest_entry()
    if entry is None:
        raise CannotSealError("Nothing is sealed yet. The watcher seals once a minute.")
    return OfficeSigner(PublicKey(entry.name, bytes(entry.public_key)), expected_private(entry))
