import pytest

from tests.factories import ProgramFactory, WaveFactory


@pytest.fixture
def progress(db):
    """Return the progress of waves or programs as the database has it now."""

    def progress(*rows):
        return [
            type(row).objects.values_list("progress_percentage", flat=True).get(pk=row.pk)
            for row in rows
        ]

    return progress


@pytest.fixture
def program(db):
    return ProgramFactory()


@pytest.fixture
def waves(program):
    return WaveFactory.create_batch(2, program=program)
