#!/usr/bin/env python3
"""Check an archive of evidence: python3 verify.py [FOLDER] [--key KEY] [--witness FILE]

Needs Python 3.10 or later and, for signatures, OpenSSL 3 or ssh-keygen. It says what holds and what
does not, ends with 0 only if everything holds, and sends nothing anywhere.
"""

import json
import re
import subprocess
import sys
from argparse import ArgumentParser
from base64 import b64decode, b64encode
from hashlib import sha256
from itertools import pairwise, starmap
from pathlib import Path
from tempfile import TemporaryDirectory

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError)
TIME = re.compile(rb"\ntime (.+)|\Z")
NOTE = re.compile(r"(.+\n([0-9]{1,18})\n(.+)\n(?:.+\n)*)\n((?:— [^\n ]+ [^\n ]+\n)+)")
OPENSSL = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
SSH_KEYGEN = "ssh-keygen -Y verify -I office -n foreman-office -f signers -s sig"


def node(left, right):
    return sha256(b"\1" + left + right).digest()


def included(leaf, position, size, proof):
    """Return the root to which an inclusion proof (RFC 6962) leads; takes it from its end."""
    if size == 1:
        return leaf
    last, left = proof.pop(), 1 << (size - 1).bit_length() - 1
    if position < left:
        return node(included(leaf, position, left, proof), last)
    return node(last, included(leaf, position - left, size - left, proof))


def continued(old, new, proof, old_root, whole=True):
    """Return the two roots to which a consistency proof (RFC 6962) leads; takes it from its end."""
    if old == new:
        return (old_root, old_root) if whole else (proof[-1], proof.pop())
    last, left = proof.pop(), 1 << (new - 1).bit_length() - 1
    if old <= left:
        before, after = continued(old, left, proof, old_root, whole)
        return before, node(after, last)
    before, after = continued(old - left, new - left, proof, old_root, False)
    return node(last, before), node(last, after)


def run(command, given=b"", **files):
    """Run a program beside these files; return whether it ended well, and what it printed."""
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        try:
            done = subprocess.run(command.split(), input=given, cwd=folder, capture_output=True)
        except OSError:  # it is not here
            return False, b""
    return done.returncode == 0, done.stdout + done.stderr


def read_keys(text):
    """Return public keys by NAME+ID, of lines NAME+ID+BASE64 (C2SP signed-note)."""
    split = (line.split("+", 2) for line in text.split())
    return {f"{name}+{number}": b64decode(key)[1:] for name, number, key in split}


def read_checkpoints(content):
    """Yield the size, the root and the signatures of signed notes (C2SP tlog-checkpoint)."""
    for text, size, root, lines in NOTE.findall(content.decode()):
        codes = [(name, b64decode(code)) for name, code in re.findall("— (.+) (.+)\n", lines)]
        signed = [(text.encode(), f"{name}+{code[:4].hex()}", code[4:]) for name, code in codes]
        yield int(size), b64decode(root), signed


class Archive:
    def __init__(self, folder, known, witnesses):
        self.folder, self.known, self.witnesses = folder, known, witnesses
        self.has_openssl = b"-rawin" in run("openssl pkeyutl -help")[1]
        self.read = lambda name: (folder / name).read_bytes()
        self.keys, self.told, self.key, self.checkpoints, self.digests = {}, {}, "", [], {}

    def read_envelope(self, name):
        """Return the statement in a DSSE envelope; what is signed, by which key, the signature."""
        envelope = json.loads(self.read(name))
        kind, payload = envelope["payloadType"].encode(), b64decode(envelope["payload"])
        [signature] = envelope["signatures"]
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        return json.loads(payload), (message, signature["keyid"], b64decode(signature["sig"]))

    def accepts(self, message, key, signature):
        """Return whether OpenSSL accepts a signature; without it, that of the manifest decides."""
        if key not in self.keys or not self.has_openssl:
            return key in self.keys
        der = bytes.fromhex("302a300506032b6570032100") + self.keys[key]
        return run(OPENSSL, key=der, text=message, sig=signature)[0]

    def check_files(self):
        """all are as the manifest lists them, and that is signed"""
        self.keys = read_keys(self.read("keys.txt").decode())
        statement, signed = self.read_envelope("manifest.json")
        self.told, self.key = statement["predicate"], signed[1]
        for file in statement["subject"]:
            if sha256(self.read(file["name"])).hexdigest() != file["digest"]["sha256"]:
                yield f"{file['name']} was changed"
        if not self.accepts(*signed):
            yield f"OpenSSL does not accept the signature of the manifest by {self.key}"
        manifest, signature = self.read("manifest.json"), self.read("manifest.json.sig")
        blob = b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + self.keys[self.key])
        ssh = run(SSH_KEYGEN, manifest, signers=b"office ssh-ed25519 " + blob, sig=signature)
        if not ssh[0] and (ssh[1] or not self.has_openssl):
            yield "ssh-keygen does not accept the signature of the manifest, or is not here"

    def check_checkpoints(self):
        """each is signed, and its tree begins with the tree of the one before"""
        self.checkpoints = [*read_checkpoints(self.read("checkpoints.txt"))]
        for size, _, signed in self.checkpoints:
            if not all(starmap(self.accepts, signed)):
                yield f"the signature of the checkpoint of {size} records is wrong"
        steps = map(bytes.split, self.read("consistency.txt").splitlines())
        for (old, new), (_, _, *proof) in zip(pairwise(self.checkpoints), steps, strict=True):
            proof = [*map(b64decode, proof)]
            if continued(old[0], new[0], proof, old[1]) != (old[1], new[1]) or proof:
                yield f"the checkpoint of {new[0]} records does not go on from that of {old[0]}"

    def check_rows(self):
        """each is in the tree of the last checkpoint at its place, and none is missing"""
        (size, root, _), positions, last = self.checkpoints[-1], {}, -1
        rows, unsealed = (self.read(f"{name}.jsonl").splitlines() for name in ("rows", "unsealed"))
        self.digests = {sha256(row).hexdigest() for row in [*rows, *unsealed]}
        for position, leaf, *proof in map(bytes.split, self.read("proofs.txt").splitlines()):
            place, leaf, proof = int(position), b64decode(leaf), [*map(b64decode, proof)]
            positions[leaf] = place
            if not 0 <= place < size or included(leaf, place, size, proof) != root or proof:
                yield f"the proof of position {place} does not lead to the last checkpoint"
        for number, row in enumerate(rows, 1):
            position = positions.pop(sha256(b"\0" + row).digest(), -2)
            if position <= last:
                yield f"row {number} is out of order, or was changed or added"
            last = max(last, position)
        yield from (f"the row of position {each} is missing" for each in positions.values())
        if str(len(rows)) != self.told["rows"]:
            yield f"there are {len(rows)}, and {self.told['rows']} were signed"

    def check_certificates(self):
        """each is signed, and the evidence that it names is in the archive"""
        for file in sorted(self.folder.glob("certificates/*.json")):
            statement, signed = self.read_envelope(file)
            if not self.accepts(*signed):
                yield f"{file.name}: the signature is wrong"
            for row in statement["predicate"]["foremanOffice"]["evidence"]:
                if row["digest"]["sha256"] not in self.digests:
                    yield f"{file.name}: {row['name']} is not in the archive"

    def check_trust(self):
        """the key is known by --key or --witness, and the record goes on from what was witnessed"""
        ours, as_of = {size: root for size, root, _ in self.checkpoints}, self.told["asOf"].encode()
        notes = (note for file in self.witnesses for note in read_checkpoints(file.read_bytes()))
        theirs = [n for n in notes if n[0] in ours or max(TIME.findall(n[2][0][0])) < as_of]
        for size, root, _ in theirs:
            if ours.get(size, root) != root:
                yield f"of {size} records another root was witnessed: the record was rewritten"
        newest, _, signed = max(theirs, default=(0, b"", []))
        if newest > max(ours):
            yield f"{newest} records were witnessed, and {max(ours)} are left: the tail is cut"
        elif self.witnesses and newest not in ours:
            yield "it cannot be compared with what was witnessed before it: ask for --since"
        if self.has_openssl:  # a key that is known vouches for others in what it has signed
            self.known |= {each[1]: self.keys[each[1]] for each in signed if self.accepts(*each)}
            for text, key, _ in (each for *_, signed in self.checkpoints for each in signed):
                if self.known.get(key) == self.keys[key]:
                    self.known |= read_keys("".join(re.findall("\nnext-key (.+)", text.decode())))
        if self.known.get(self.key) != self.keys[self.key]:
            yield f"the manifest is signed by {self.key}: that key is not known"


if __name__ == "__main__":
    parser = ArgumentParser(description="Check an archive of evidence.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent)
    parser.add_argument("--key", type=read_keys, default={}, help="NAME+ID+BASE64, as you know it")
    parser.add_argument("--witness", type=Path, nargs="*", default=[], help="checkpoints you kept")
    archive, failed = Archive(*vars(parser.parse_args()).values()), False
    parts = ["files", "checkpoints", "rows", "certificates", "trust"]
    for part in parts[: 4 + bool(archive.known or archive.witnesses)]:
        check, faults = getattr(archive, f"check_{part}"), []
        try:
            faults.extend(check())
        except UNREADABLE as error:
            faults.append(f"cannot be read ({type(error).__name__}: {error})")
        said = [f"FAILED  {part}: {ascii(fault)[1:-1]}" for fault in faults[:9]]
        print(*said or [f"holds   {part}: {check.__doc__}"], sep="\n")
        failed = failed or bool(faults)
    print(f"note    {archive.told.get('program')!a} as of {archive.told.get('asOf')!a}")
    if not archive.known:
        key = b64encode(b"\1" + archive.keys.get(archive.key, b"")).decode()
        print(f"note    compare this key with the office's: {ascii(archive.key)[1:-1]}+{key}")
    sys.exit(failed)
