"""What is staged of a plan file: for how long, of whom, and what two see of it at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from threading import Barrier

import pytest
from django.core.management import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from foreman_office import plan_files
from foreman_office.plan_files import staging
from programs.models import Program, StagedImport, StagedRecord, Task
from programs.retention import STAGED_FOR, prune_staged_imports
from tests.factories import TaskFactory, UserFactory
from tests.plan_files.plans import GOOD, exported, imported, read

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_and_an_export_see_one_moment(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    imported(file)
    file.write_text(GOOD.replace("state: completed", "state: failed"))
    with CaptureQueriesContext(connection) as queries:
        assert "the file says failed" in imported(file, dry_run=True)
        exported(Program.objects.get())
    asked = [query["sql"] for query in queries if query["sql"].startswith("SET TRANSACTION")]
    level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ"
    assert asked == [f"{level} WRITE", f"{level} ONLY"]


@pytest.mark.django_db(transaction=True)
def test_what_is_staged_goes_when_it_is_written_refused_or_given_up(tmp_path):
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    imported(file, dry_run=True)
    imported(file)
    file.write_text(GOOD.replace("entity: second", "entity: nowhere"))
    with pytest.raises(CommandError, match="there is no wave nowhere"):
        imported(file)
    TaskFactory(wave__program__name="Bells")
    file.write_text(GOOD.replace("name: Lamps", "name: Bells"))
    with pytest.raises(CommandError, match="another program of the office has this name"):
        imported(file)
    assert not StagedImport.objects.exists()
    assert not StagedRecord.objects.exists()


def test_what_stays_staged_goes_after_a_day():
    read(GOOD)
    assert prune_staged_imports() == 0
    StagedImport.objects.update(created_at=now() - STAGED_FOR - timedelta(minutes=1))
    assert prune_staged_imports() == 1
    assert not StagedRecord.objects.exists()


def test_of_a_persons_previews_the_oldest_is_given_up():
    johan, ada = UserFactory(username="johan"), UserFactory(username="ada")
    plan_files.read_plan(BytesIO(GOOD.encode()), "ada.yaml", by=ada)
    for number in range(staging.KEPT_PREVIEWS + 2):
        plan_files.read_plan(BytesIO(GOOD.encode()), f"{number}.yaml", by=johan)
        StagedImport.objects.filter(name=f"{number}.yaml").update(
            created_at=now() - timedelta(hours=1) + timedelta(minutes=number)
        )
    names = StagedImport.objects.filter(person=johan).values_list("name", flat=True)
    assert len(names) == staging.KEPT_PREVIEWS
    assert {"0.yaml", "1.yaml"}.isdisjoint(names)
    assert StagedImport.objects.filter(person=ada).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_at_once_one_writes_and_the_other_finds_it_done():
    together = Barrier(2)

    def one(_):
        try:
            plan = read(GOOD)
            together.wait(10)
            with plan:
                return bool(plan_files.apply(plan, by=None))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, range(2))) == [False, True]
    assert Task.objects.count() == 1
