"""The verifier of an archive: a stranger's Python, OpenSSL or ssh-keygen, and damaged archives."""

import ast
import json
import shutil
import sys
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from governance.attestations.envelope import canonical_json, read_envelope, sign_payload
from governance.attestations.ssh_signature import ssh_signature
from governance.sealing.notes import PublicKey, TreeHead, parted, public_bytes
from governance.sealing.witness_file import notes_in
from tests.dashboard.evidence_archive.archives import (
    VERIFIER,
    programs_in,
    verify,
    verify_as_a_stranger,
)
from tests.examples import examples


def lines(folder, name):
    return (folder / name).read_text().splitlines(keepends=True)


def write(folder, name, *written):
    (folder / name).write_text("".join(written))


def flip(file, at=None):
    """Change one letter of a file to another of the same kind."""
    content = bytearray(file.read_bytes())
    at = len(content) // 2 if at is None else at
    content[at] = ord("b") if content[at] == ord("a") else ord("a")
    file.write_bytes(content)


def key_of(folder):
    return (folder / "keys.txt").read_text().strip()


def certificate(folder):
    return sorted((folder / "certificates").iterdir())[0]


# --- the whole archive ----------------------------------------------------------------------------


def test_an_archive_holds_for_a_stranger(archive):
    code, said = verify_as_a_stranger(archive)
    assert code == 0, said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("holds")] == [
        "files:",
        "checkpoints:",
        "rows:",
        "certificates:",
    ]
    assert said.splitlines()[-1].endswith(key_of(archive))  # to be compared


def test_it_holds_for_the_known_key_and_what_was_witnessed(archive, tmp_path):
    code, said = verify_as_a_stranger(
        archive, "--key", key_of(archive), "--witness", tmp_path / "witness.txt"
    )
    assert code == 0, said
    assert "holds   trust" in said
    assert "compare this key" not in said
    assert "'Lamps' as of '2" in said


@pytest.mark.parametrize("tool", ["openssl", "ssh-keygen"])
def test_one_of_the_two_programs_is_enough(archive, tmp_path, tool):
    path = programs_in(tmp_path / "bin", tool)
    assert verify_as_a_stranger(archive, "--key", key_of(archive), path=path)[0] == 0
    flip(archive / "manifest.json", -40)
    assert verify_as_a_stranger(archive, path=path)[0] == 1


def test_without_either_nothing_is_believed(archive, tmp_path):
    code, said = verify_as_a_stranger(archive, path=programs_in(tmp_path / "bin"))
    assert code == 1
    assert "ssh-keygen does not accept the signature of the manifest, or is not here" in said


def test_without_openssl_a_witness_does_not_make_the_key_known(archive, tmp_path):
    path = programs_in(tmp_path / "bin", "ssh-keygen")
    code, said = verify_as_a_stranger(archive, "--witness", tmp_path / "witness.txt", path=path)
    assert code == 1
    assert "that key is not known" in said


def test_the_verifier_is_short_plain_python():
    source = VERIFIER.read_text()
    assert len(source.splitlines()) < 200
    tree = ast.parse(source, feature_version=(3, 10))
    imported = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


# --- what a change is called ----------------------------------------------------------------------


def flip_in_row(folder):
    flip(folder / "rows.jsonl")


def flip_in_proof(folder):
    first, *others = lines(folder, "proofs.txt")
    position, leaf, hash, *more = first.split()
    hash = ("b" if hash[0] == "a" else "a") + hash[1:]
    write(folder, "proofs.txt", " ".join([position, leaf, hash, *more]) + "\n", *others)


def flip_in_checkpoint(folder):
    text = (folder / "checkpoints.txt").read_text()
    write(folder, "checkpoints.txt", text.replace("time 2", "time 3", 1))


def flip_in_certificate(folder):
    file = certificate(folder)
    envelope = json.loads(file.read_bytes())
    payload = b64decode(envelope["payload"]).replace(b'"WARNED"', b'"PASSED"')
    file.write_bytes(canonical_json(envelope | {"payload": b64encode(payload).decode()}))


def drop_row(folder):
    first, _, *others = lines(folder, "rows.jsonl")
    write(folder, "rows.jsonl", first, *others)


def drop_row_with_its_proof(folder):
    for name in ("rows.jsonl", "proofs.txt"):
        first, _, *others = lines(folder, name)
        write(folder, name, first, *others)


def cut_the_tail(folder):
    for name in ("rows.jsonl", "proofs.txt"):
        write(folder, name, *lines(folder, name)[:-5])


def cut_the_last_checkpoint(folder):
    *others, _ = notes_in((folder / "checkpoints.txt").read_text())
    write(folder, "checkpoints.txt", *(f"{note}\n" for note in others))
    write(folder, "consistency.txt", *lines(folder, "consistency.txt")[:-1])


def swap_rows(folder):
    first, second, *others = lines(folder, "rows.jsonl")
    write(folder, "rows.jsonl", second, first, *others)


def swap_rows_and_proofs(folder):
    for name in ("rows.jsonl", "proofs.txt"):
        first, second, *others = lines(folder, name)
        write(folder, name, second, first, *others)


def add_row(folder):
    row = json.loads(lines(folder, "rows.jsonl")[0]) | {"sequence": 999}
    write(folder, "rows.jsonl", *lines(folder, "rows.jsonl"), json.dumps(row) + "\n")


def remove_certificate(folder):
    certificate(folder).unlink()


def change_the_page(folder):
    flip(folder / "evidence.html")


def change_the_unsealed(folder):
    write(folder, "unsealed.jsonl")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (flip_in_row, ["rows.jsonl was changed", "rows: row", "is missing"]),
        (flip_in_proof, ["proofs.txt was changed", "the proof of position"]),
        (flip_in_checkpoint, ["checkpoints.txt was changed", "the signature of the checkpoint of"]),
        (flip_in_certificate, ["json was changed", "json: the signature is wrong"]),
        (drop_row, ["rows.jsonl was changed", "the row of position", "were signed"]),
        (
            drop_row_with_its_proof,
            ["rows.jsonl was changed", "proofs.txt was changed", "there are"],
        ),
        (cut_the_tail, ["rows.jsonl was changed", "there are", "is not in the archive"]),
        (cut_the_last_checkpoint, ["checkpoints.txt was changed", "does not lead to the last"]),
        (swap_rows, ["rows.jsonl was changed", "row 2 is out of order"]),
        (swap_rows_and_proofs, ["rows.jsonl was changed", "row 2 is out of order"]),
        (add_row, ["rows.jsonl was changed", "is out of order, or was changed or added"]),
        (remove_certificate, ["certificates", "cannot be read"]),
        (change_the_page, ["evidence.html was changed"]),
        (change_the_unsealed, ["unsealed.jsonl was changed"]),
    ],
)
def test_each_change_is_named(archive, change, named):
    change(archive)
    code, said = verify(archive)
    assert code == 1
    failed = "\n".join(line for line in said.splitlines() if line.startswith("FAILED"))
    assert [each for each in named if each not in failed] == [], said


# --- the whole chain written anew -----------------------------------------------------------------


class Forger(NamedTuple):
    """Whoever has the whole archive, and a key that may bear the name and id of the office's."""

    name: str
    number: str
    private: Ed25519PrivateKey

    @property
    def key_id(self):
        return f"{self.name}+{self.number}"

    @property
    def public_key(self):
        return public_bytes(self.private)

    def sign(self, message):
        return self.private.sign(message)

    def note(self, text):
        code = b64encode(bytes.fromhex(self.number) + self.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {code}\n\n"


def sign_anew(folder, forger):
    """Sign everything in an archive with another key."""
    notes = notes_in((folder / "checkpoints.txt").read_text())
    heads = [TreeHead.parsed(parted(note)[0])._replace(origin=forger.name) for note in notes]
    write(folder, "checkpoints.txt", *(forger.note(head.text) for head in heads))
    key = b64encode(b"\1" + forger.public_key).decode()
    write(folder, "keys.txt", f"{forger.key_id}+{key}\n")
    for file in (folder / "certificates").iterdir():
        envelope = read_envelope(file.read_bytes())
        file.write_bytes(sign_payload(envelope.payload, envelope.payload_type, forger).to_json())
    sign_manifest_anew(folder, forger)


def sign_manifest_anew(folder, forger):
    envelope = read_envelope((folder / "manifest.json").read_bytes())
    manifest = json.loads(envelope.payload)
    for each in manifest["subject"]:
        each["digest"]["sha256"] = sha256((folder / each["name"]).read_bytes()).hexdigest()
    manifest = sign_payload(canonical_json(manifest), envelope.payload_type, forger).to_json()
    (folder / "manifest.json").write_bytes(manifest)
    (folder / "manifest.json.sig").write_bytes(ssh_signature(manifest, forger))


@pytest.fixture(params=["another name", "the same name", "the same name and id"])
def forged(archive, request):
    """An archive that is whole but for its key, and what the office's key was."""
    key = key_of(archive)
    private = Ed25519PrivateKey.generate()
    name = key.split("+")[0] if "same" in request.param else "foreman-office/other"
    number = PublicKey(name, public_bytes(private)).key_id.hex()
    sign_anew(
        archive, Forger(name, key.split("+")[1] if "id" in request.param else number, private)
    )
    assert verify(archive)[0] == 0
    return archive, key


def test_a_chain_that_was_written_anew_is_named_by_the_known_key(forged):
    folder, key = forged
    code, said = verify(folder, "--key", key)
    assert code == 1
    assert "that key is not known" in said


def test_a_chain_that_was_written_anew_is_named_by_a_witness(forged, tmp_path):
    folder, _ = forged
    code, said = verify(folder, "--witness", tmp_path / "witness.txt")
    assert code == 1
    assert "that key is not known" in said


def test_a_key_that_the_others_do_not_vouch_for_is_named(archive, tmp_path):
    """All of the record is genuine, and signed by the office; only the manifest is not."""
    private = Ed25519PrivateKey.generate()
    key = PublicKey("foreman-office/other", public_bytes(private))
    write(archive, "keys.txt", *lines(archive, "keys.txt"), f"{key}\n")
    sign_manifest_anew(archive, Forger(key.name, key.key_id.hex(), private))
    assert verify(archive)[0] == 0
    for known in (
        ["--key", lines(archive, "keys.txt")[0]],
        ["--witness", tmp_path / "witness.txt"],
    ):
        code, said = verify(archive, *known)
        assert code == 1
        assert "that key is not known" in said


def test_another_history_is_named_by_a_witness(archive, tmp_path):
    text = (tmp_path / "witness.txt").read_text()
    note = notes_in(text)[-1]
    head = TreeHead.parsed(parted(note)[0])
    other = b64encode(sha256(b"another history").digest()).decode()
    write(tmp_path, "witness.txt", text.replace(b64encode(head.root).decode(), other))
    code, said = verify(archive, "--witness", tmp_path / "witness.txt")
    assert code == 1
    assert "another root was witnessed: the record was rewritten" in said


def test_a_record_that_ends_before_what_was_witnessed_is_named(archive, tmp_path):
    text = (tmp_path / "witness.txt").read_text()
    head = TreeHead.parsed(parted(notes_in(text)[-1])[0])
    longer = text.replace(f"\n{head.size}\n", f"\n{head.size + 9}\n")
    write(tmp_path, "witness.txt", longer)
    code, said = verify(archive, "--witness", tmp_path / "witness.txt")
    assert code == 1
    assert "the tail is cut" in said


def test_a_witness_without_checkpoints_proves_nothing(archive, tmp_path):
    write(tmp_path, "witness.txt", "nothing")
    code, said = verify(archive, "--witness", tmp_path / "witness.txt")
    assert code == 1
    assert "it cannot be compared with what was witnessed" in said


# --- any damage -----------------------------------------------------------------------------------


@st.composite
def damages(draw):
    """A change of some bytes of a file, or of its lines."""
    kind = draw(st.sampled_from(["byte", "cut", "insert", "line", "twice", "empty", "gone"]))
    place, value = draw(st.floats(0, 1)), draw(st.binary(min_size=1, max_size=6))

    def damage(content):
        at = min(int(place * len(content)), len(content) - 1)
        found = content.splitlines(keepends=True)
        number = min(int(place * len(found)), len(found) - 1)
        match kind:
            case "byte":
                return content[:at] + value[:1] + content[at + 1 :]
            case "cut":
                return content[:at]
            case "insert":
                return content[:at] + value + content[at:]
            case "line":
                return b"".join(found[:number] + found[number + 1 :])
            case "twice":
                return b"".join(found[: number + 1] + found[number:])
            case "empty":
                return b""
        return None

    return damage


@examples(20)
@given(data=st.data())
def test_no_damage_is_taken_for_the_whole(archive, kept, tmp_path, data):
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept / "archive", folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    file = data.draw(st.sampled_from(files), "file")
    damaged = data.draw(damages(), "damage")(before := file.read_bytes())
    if damaged is None:
        file.unlink()
    else:
        file.write_bytes(damaged)
    code, said = verify(folder, "--key", key_of(kept / "archive"), script=VERIFIER)
    assert code == 1 or is_harmless(file, before, damaged), said


def is_harmless(file, before, damaged):
    """Return whether a change left what the verifier reads of the two signatures of all files."""
    if damaged == before:
        return True
    if file.name == "manifest.json":
        return read_envelope(damaged) == read_envelope(before)
    return file.name == "manifest.json.sig"  # ssh-keygen reads what is between its two marks
