"""Signed notes, against the vectors of the specification and of Go's package."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from governance.sealing.notes import (
    NoteError,
    PublicKey,
    TreeHead,
    opened,
    parted,
    public_bytes,
    sign_note,
)

# Go's golang.org/x/mod/sumdb/note, the key and message of its examples.
PETER = PublicKey.parsed("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    f"{TEXT}\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"  # noqa: E501
)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEAD = TreeHead("office.example", 3, bytes(32), ("time now", "rules x"))
KEY = PublicKey("office.example", public_bytes(PRIVATE))


def test_the_example_of_go_is_read_and_its_signature_holds():
    text, [(name, key_id, signature)] = parted(SIGNED)
    assert (text, name, key_id) == (TEXT, "PeterNeumann", PETER.key_id)
    assert PETER.verifies(text, signature)
    assert not PETER.verifies(text + "!", signature)
    assert str(PETER).startswith("PeterNeumann+c74f20a3+")


def test_a_checkpoint_says_what_was_signed():
    note = sign_note(HEAD, PRIVATE)
    assert note.startswith(
        "office.example\n3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\ntime now\n"
    )
    assert opened(note, [PETER, KEY]) == (HEAD, KEY)
    assert (HEAD.extension("rules"), HEAD.extension("timeline")) == ("x", None)


def test_a_note_of_another_key_says_nothing():
    with pytest.raises(NoteError, match="unknown key"):
        opened(sign_note(HEAD, PRIVATE), [PETER, KEY._replace(name="other.example")])


def test_other_signatures_may_stand_beside():
    note = sign_note(HEAD, PRIVATE)
    assert opened(note + SIGNED.partition("\n\n")[2], [KEY]).head == HEAD


@given(st.data())
def test_no_changed_byte_passes(data):
    note = sign_note(HEAD, PRIVATE).encode()
    at = data.draw(st.integers(0, len(note) - 1))
    other = bytearray(note)
    other[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((NoteError, UnicodeDecodeError)):
        opened(other.decode(), [KEY])


@given(st.text())
def test_what_is_no_note_is_refused(text):
    with pytest.raises(NoteError):
        opened(text, [KEY])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b+c",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_what_is_no_key_is_refused(text):
    with pytest.raises(NoteError):
        PublicKey.parsed(text)


@pytest.mark.parametrize("size", ["03", "-1", "3 ", "x", "", "9" * 40])
def test_a_size_is_a_plain_number(size):
    with pytest.raises(NoteError):
        TreeHead.parsed(f"a\n{size}\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")


@pytest.mark.parametrize("name", ["a b", "a+b", ""])
def test_a_name_has_neither_spaces_nor_plus_signs(name):
    with pytest.raises(NoteError):
        sign_note(HEAD._replace(origin=name), PRIVATE)
