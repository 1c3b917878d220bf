import shutil

import pytest

from tests.dashboard.evidence_archive.archives import exported, scene, witnessed


@pytest.fixture
def office_files(settings, tmp_path, rules_read_once):
    """Give each test an office's files of its own."""
    settings.FOREMAN_VAR = tmp_path / "var"
    settings.FOREMAN_VAR.mkdir()
    return settings.FOREMAN_VAR


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """A place for what one test of the run makes and the others read."""
    return tmp_path_factory.mktemp("archive")


@pytest.fixture
def archive(kept, transactional_db, office_files, tmp_path):
    """An archive in a folder of the test's own, and beside it `witness.txt`, the checkpoints."""
    if not (kept / "archive").exists():
        exported(scene(), kept / "draft")
        witnessed(kept / "witness.txt")
        (kept / "draft").rename(kept / "archive")
    shutil.copy(kept / "witness.txt", tmp_path)
    return shutil.copytree(kept / "archive", tmp_path / "archive")
