"""An office whose record is sealed, and its archive as a stranger has it."""

import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from runpy import run_path
from unittest.mock import patch
from zipfile import ZipFile

from django.utils.timezone import now

from foreman_office.dashboard.evidence_archive.archive import write_archive
from governance.attestations.signer import office_signer
from governance.models import Checkpoint
from governance.sealing import sealer
from kit.core.acts import act
from kit.runtime.database_addresses import UPKEEP, acting_as
from programs.models import Task
from tests.factories import BlockerFactory, QAExecutionFactory, TaskFactory, WaveFactory

AS_OF = datetime(2096, 7, 1, 9, 30, tzinfo=UTC)  # after all checkpoints
VERIFIER = Path("foreman_office/dashboard/evidence_archive/verify.py").resolve()


def seal(batch=7):
    """Seal as the watcher does, a few rows in each checkpoint, until nothing is left."""
    with acting_as(UPKEEP):
        while sealer.seal(batch=batch).sealed:
            pass


def complete(task):
    """Complete a task whose suite was red and became green."""
    early = now() - timedelta(hours=1)
    QAExecutionFactory(task=task, passing_tests=0, failing_tests=5, executed_at=early)
    QAExecutionFactory(task=task, passing_tests=5, executed_at=now())
    with act(None, override="a scene"):
        Task.objects.filter(pk=task.pk).update(state=Task.State.COMPLETED)


def scene():
    """Seal a program with two certificates among others, and leave one row that is not sealed."""
    seal(batch=1000)  # what the office's own log has, in one checkpoint
    wave = WaveFactory(program__name="Lamps")
    first, second, open_task = (TaskFactory(wave=wave) for _ in range(3))
    complete(first)
    BlockerFactory(entity=open_task)
    TaskFactory()  # of another program
    seal()
    complete(second)
    TaskFactory()
    seal()
    TaskFactory(wave=wave, name="not sealed")
    return wave.program


def exported(program, folder, **options):
    """Unpack the archive of a program into a folder."""
    with acting_as(UPKEEP):
        archive = write_archive(
            program, office_signer(), **{"person": "johan", "as_of": AS_OF} | options
        )
    with archive, ZipFile(archive) as zipped:
        zipped.extractall(folder)
    return folder


def witnessed(file):
    """Write all checkpoints of the office to a file, as its witness does."""
    notes = Checkpoint.objects.order_by("number").values_list("note", flat=True)
    file.write_text("".join(f"{note}\n" for note in notes))
    return file


def verify(folder, *options, script=None):
    """Check an archive with the verifier, in this process; return its code and words."""
    told, ended = StringIO(), None
    arguments = [str(script or folder / "verify.py"), str(folder), *map(str, options)]
    with patch.object(sys, "argv", arguments), redirect_stdout(told):
        try:
            run_path(arguments[0], run_name="__main__")
        except SystemExit as end:
            ended = end.code
    return int(ended), told.getvalue()


def verify_as_a_stranger(folder, *options, path="/usr/bin:/bin"):
    """Check an archive with plain Python that has nothing but PATH; return its code and words."""
    done = subprocess.run(
        [sys.executable, "-I", str(folder / "verify.py"), str(folder), *map(str, options)],
        capture_output=True,
        text=True,
        env={"PATH": str(path)},
        cwd=folder,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def programs_in(folder, *names):
    """Return a folder that has no programs but these."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return folder
