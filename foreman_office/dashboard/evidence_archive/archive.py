"""Write the archive of a program: one ZIP file, the same bytes for the same state, person and time.

All is read in one snapshot, few rows at a time. The office's key signs the list of the files, which
has the digest of each, and every certificate.
"""

from array import array
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from hashlib import sha256
from itertools import batched, pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.db import connection

from foreman_office.dashboard.evidence_archive import page
from foreman_office.dashboard.evidence_archive.proofs import (
    checkpoints_for,
    consistency_proofs,
    inclusion_proofs,
)
from foreman_office.dashboard.evidence_archive.rows import BATCH, Row, rows_of
from governance.attestations.envelope import Envelope, Signer, canonical_json, sign_payload
from governance.attestations.ssh_signature import ssh_signature
from governance.attestations.statement import PAYLOAD_TYPE, STATEMENT, Unattested, attest
from governance.quality import certificate
from governance.sealing.keys import public_keys
from governance.sealing.stored_tree import MissingNodeError, last_checkpoint
from governance.sealing.tree import leaf_hash
from kit.core.snapshot import snapshot
from programs.models import Program, Task

HERE = Path(__file__).parent
ARCHIVE = "urn:foreman-office:evidence-archive:v1"
FILTER = "the program, and every wave and task that is in it or ever was"
EARLIEST = (1980, 1, 1, 0, 0, 0)  # the time of every file in the ZIP, which has to have one
CHUNK = 1 << 16


class CannotExportError(Exception):
    """There would be nothing to check, or it would not hold; the sentence says why."""


class Told(NamedTuple):
    """What an archive tells of itself."""

    program: Program
    person: str
    as_of: datetime
    checkpoint: Any  # the last
    certificates: list[page.Completed]
    rows: int
    unsealed: int
    checkpoints: int
    digests: dict[str, str]  # of the files, by their names


def write_archive(
    program: Program,
    signer: Signer,
    *,
    person: str,
    witnessed: Collection[int] = (),
    as_of: datetime | None = None,
) -> IO[bytes]:
    """Return the archive of a program as a temporary file, deleted when it is closed.

    `witnessed` are sizes of trees whose checkpoints somebody has kept, and can compare. Raises
    `CannotExportError`.
    """
    with ExitStack() as stack:
        file = stack.enter_context(TemporaryFile())
        try:
            with snapshot(), ZipFile(file, "w") as archive:
                _Writer(program, signer, archive).write(person, witnessed, as_of)
        except (Unattested, MissingNodeError) as error:
            raise CannotExportError(str(error)) from error
        file.seek(0)
        stack.pop_all()
    return file


class _Writer:
    """Adds the files of an archive, one after the other.

    Of the rows no more than the positions and the hashes stay in memory.
    """

    def __init__(self, program: Program, signer: Signer, archive: ZipFile) -> None:
        self.program, self.signer, self.archive = program, signer, archive
        self.digests: dict[str, str] = {}
        self.positions, self.hashes, self.unsealed = array("q"), bytearray(), 0

    def write(self, person: str, witnessed: Collection[int], as_of: datetime | None) -> None:
        last = last_checkpoint()
        if last is None or not last.size:
            raise CannotExportError("Nothing is sealed yet. The watcher seals once a minute.")
        self.add("README.txt", [(HERE / "README.txt").read_bytes()])
        self.add("verify.py", [(HERE / "verify.py").read_bytes()])
        completed = [*self.certificates()]
        with TemporaryFile() as table, TemporaryFile() as unsealed:
            self.add("rows.jsonl", self.rows(unsealed, table))
            self.add("unsealed.jsonl", chunks(unsealed))
            self.add("proofs.txt", self.proofs(last.size))
            checkpoints = [*checkpoints_for(self.positions, witnessed)]
            self.add("checkpoints.txt", (f"{each.note}\n".encode() for each in checkpoints))
            self.add("consistency.txt", self.consistency([each.size for each in checkpoints]))
            self.add("keys.txt", (f"{key}\n".encode() for key in public_keys()))
            told = Told(
                self.program,
                person,
                as_of or moment_of_snapshot(),
                last,
                completed,
                len(self.positions),
                self.unsealed,
                len(checkpoints),
                self.digests,
            )
            self.add(
                "evidence.html", page.html_page(told, FILTER, self.signer.key_id, chunks(table))
            )
        self.sign(told)

    def add(self, name: str, content: Iterable[bytes]) -> None:
        """Add a file and note its digest."""
        entry = ZipInfo(name, EARLIEST)
        entry.compress_type, entry.create_system = ZIP_DEFLATED, 3
        entry.external_attr = (0o755 if name == "verify.py" else 0o644) << 16
        digest = sha256()
        with self.archive.open(entry, "w", force_zip64=True) as file:
            for part in content:
                file.write(part)
                digest.update(part)
        self.digests[name] = digest.hexdigest()

    def certificates(self) -> Iterator[page.Completed]:
        """Add the certificate of each completed task that has one; yield all completed tasks."""
        tasks = Task.objects.filter(wave__program=self.program, state=Task.State.COMPLETED)
        tasks = tasks.select_related("wave__program").order_by("completed_at", "pk")
        for task in tasks.iterator(BATCH):
            if proof := certificate(task):
                name = f"certificates/{task.pk}.json"
                self.add(name, [attest(proof, self.signer).to_json()])
                yield page.Completed(
                    task.name, task.wave.name, page.certificate_in_words(proof), name
                )
            else:
                yield page.Completed(task.name, task.wave.name)

    def rows(self, unsealed: IO[bytes], table: IO[bytes]) -> Iterator[bytes]:
        """Yield the sealed rows; write the others, and all of them as lines of the page."""
        for batch in batched(rows_of(self.program), BATCH):
            table.write(page.lines(batch))
            for row in batch:
                if row.position is None:
                    self.unsealed += 1
                    unsealed.write(f"{row.text}\n".encode())
                else:
                    self.positions.append(row.position)
                    self.hashes += expected_hash(row)
                    yield f"{row.text}\n".encode()

    def proofs(self, size: int) -> Iterator[bytes]:
        """Yield for each row its position, the hash of its leaf, and the proof."""
        proofs = inclusion_proofs(self.positions, size)
        for number, (position, proof) in enumerate(zip(self.positions, proofs, strict=True)):
            leaf = bytes(self.hashes[number * 32 : number * 32 + 32])
            yield text_line(position, *in_base64([leaf, *proof]))

    def consistency(self, sizes: list[int]) -> Iterator[bytes]:
        """Yield for each checkpoint but the first the size before, its own, and the proof."""
        for (old, new), proof in zip(pairwise(sizes), consistency_proofs(sizes), strict=True):
            yield text_line(old, new, *in_base64(proof))

    def sign(self, told: Told) -> None:
        """Add the list of files, and its signature in both forms."""
        manifest = self.manifest(told).to_json()
        self.add("manifest.json", [manifest])
        self.add("manifest.json.sig", [ssh_signature(manifest, self.signer)])

    def manifest(self, told: Told) -> Envelope:
        statement = {
            "_type": STATEMENT,
            "subject": [
                {"name": name, "digest": {"sha256": digest}}
                for name, digest in sorted(told.digests.items())
            ],
            "predicateType": ARCHIVE,
            "predicate": {
                "program": told.program.name,
                "programId": str(told.program.pk),
                "filter": FILTER,
                "asOf": page.utc(told.as_of),
                "exportedBy": told.person,
                "rows": str(told.rows),
                "unsealed": str(told.unsealed),
                "checkpoints": str(told.checkpoints),
                "certificates": str(sum(bool(each.file) for each in told.certificates)),
                "tree": {
                    "size": str(told.checkpoint.size),
                    "root": b64encode(told.checkpoint.root).decode(),
                },
            },
        }
        return sign_payload(canonical_json(statement), PAYLOAD_TYPE, self.signer)


def moment_of_snapshot() -> datetime:
    """Return when the transaction began: what was sealed later is not in its snapshot."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT transaction_timestamp()")
        [moment] = cursor.fetchone()
        return moment


def expected_hash(row: Row) -> bytes:
    """Return the hash of a sealed row; raises `CannotExportError` if the row is another now."""
    found = leaf_hash(row.text.encode())
    if found != row.leaf_hash:
        raise CannotExportError(
            f"Evidence {row.evidence().sequence} is not as it was sealed at position"
            f" {row.position}. manage.py replay_evidence says what differs."
        )
    return found


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def text_line(*parts: object) -> bytes:
    return (" ".join(map(str, parts)) + "\n").encode()


def in_base64(hashes: Iterable[bytes]) -> list[str]:
    return [b64encode(each).decode() for each in hashes]
