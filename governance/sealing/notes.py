"""Signed notes (C2SP signed-note) whose text is a checkpoint of a tree (C2SP tlog-checkpoint)."""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
SIGNATURE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+=*)")
NAME = re.compile(r"[^\s+]+")
SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


class NoteError(ValueError):
    """A note that says nothing that can be relied upon, with the reason."""


class PublicKey(NamedTuple):
    """A key by which notes are verified, and its name."""

    name: str
    key: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        """Return the key as verifiers of notes are given it: name+id+base64."""
        encoded = b64encode(ED25519 + self.key).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def parsed(cls, text: str) -> "PublicKey":
        try:
            name, key_id, encoded = text.strip().split("+", 2)
            key = b64decode(encoded, validate=True)
        except (ValueError, NotBase64) as error:
            raise NoteError(f"This is not a public key: {text.strip()[:80]}") from error
        found = cls(name, key[1:])
        if not NAME.fullmatch(name) or key[:1] != ED25519 or len(key) != 33:
            raise NoteError(f"This is not a public key for Ed25519: {text.strip()[:80]}")
        if found.key_id.hex() != key_id:
            raise NoteError(f"The id of the key {text.strip()[:80]} should be {found.key_id.hex()}")
        return found

    def verifies(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class TreeHead(NamedTuple):
    """What a checkpoint says: whose tree, its size and root, and lines of ours."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = [self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions]
        if not all(lines) or any("\n" in line for line in lines):
            raise NoteError("Each line of a checkpoint has a word and no line break.")
        return "\n".join(lines) + "\n"

    @classmethod
    def parsed(cls, text: str) -> "TreeHead":
        lines = text.removesuffix("\n").split("\n")
        if not text.endswith("\n") or len(lines) < 3 or not all(lines):
            raise NoteError("A checkpoint has at least three lines, none of them empty.")
        origin, size, root, *extensions = lines
        if not SIZE.fullmatch(size):
            raise NoteError(f"The size of the tree is no number: {size[:40]}")
        try:
            root_hash = b64decode(root, validate=True)
        except NotBase64 as error:
            raise NoteError("The root of the tree is not in base64.") from error
        if len(root_hash) != 32:
            raise NoteError("The root of the tree is not a SHA-256.")
        return cls(origin, int(size), root_hash, tuple(extensions))

    def extension(self, word: str) -> str | None:
        """Return what the first line of ours that begins with a word says after it."""
        found = (line for line in self.extensions if line.startswith(f"{word} "))
        return next((line.partition(" ")[2] for line in found), None)


class OpenedNote(NamedTuple):
    """A note whose signature holds."""

    head: TreeHead
    key: PublicKey


def public_bytes(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


def sign_note(head: TreeHead, private: Ed25519PrivateKey) -> str:
    """Return the note of a tree's head, signed under the name of its origin."""
    key = PublicKey(head.origin, public_bytes(private))
    if not NAME.fullmatch(key.name):
        raise NoteError(f"The name {key.name} may have neither spaces nor plus signs.")
    signature = b64encode(key.key_id + private.sign(head.text.encode())).decode()
    return f"{head.text}\n— {key.name} {signature}\n"


def parted(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return the text of a note, and of each signature the name, the key's id, and the bytes."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise NoteError("A note has a text, an empty line and signatures.")
    found = []
    for line in lines.removesuffix("\n").split("\n"):
        match = SIGNATURE.fullmatch(line)
        try:
            raw = b64decode(match["signature"], validate=True) if match else b""
        except NotBase64:
            raw = b""
        # There is one way to write the same bytes: bits that base64 leaves unused are zero.
        if not match or len(raw) < 5 or b64encode(raw).decode() != match["signature"]:
            raise NoteError(f"This is not the signature of a note: {line[:80]}")
        found.append((match["name"], raw[:4], raw[4:]))
    return text + "\n", found


def opened(note: str, keys: Iterable[PublicKey]) -> OpenedNote:
    """Return what a note says and whose signature holds; raise `NoteError` if none does."""
    text, signatures = parted(note)
    head = TreeHead.parsed(text)
    known = {(key.name, key.key_id): key for key in keys}
    holding = None
    for name, key_id, signature in signatures:
        if key := known.get((name, key_id)):
            if not key.verifies(text, signature):
                raise NoteError(f"The signature of {name} ({key_id.hex()}) does not hold.")
            holding = holding or key
    if not holding:
        by = ", ".join(f"{name} ({key_id.hex()})" for name, key_id, _ in signatures)
        raise NoteError(f"It is signed by an unknown key: {by}.")
    if holding.name != head.origin:
        raise NoteError(f"The key of {holding.name} signed for {head.origin}.")
    return OpenedNote(head, holding)
