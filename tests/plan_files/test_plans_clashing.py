"""What the office has, and a plan file therefore may not say."""

import pytest

from foreman_office import plan_files
from governance.models import Blocker
from programs.models import Program, Wave
from tests.factories import OrganisationFactory, ProgramFactory, TaskFactory, WaveFactory
from tests.plan_files.plans import GOOD, load

pytestmark = pytest.mark.django_db


def clash(text):
    with pytest.raises(plan_files.PlanErrors) as caught:
        load(text)
    return caught.value.lines()


def test_another_program_of_the_same_name_is_in_the_way():
    ProgramFactory(name="Lamps")
    assert clash(GOOD) == ["plan.yaml:4: name: another program of the office has this name"]


def test_an_id_of_another_program_is_not_taken_over():
    other = TaskFactory()
    assert clash(GOOD.replace("key: wire", f"key: wire\n      id: {other.pk}")) == [
        "plan.yaml:10: wire: is the id of a row outside this program"
    ]
    assert clash(GOOD.replace("key: first", f"key: first\n    id: {other.wave.pk}")) == [
        "plan.yaml:6: first: is the id of a row outside this program"
    ]


def test_a_number_of_a_wave_that_the_file_does_not_have_is_in_the_way():
    load(GOOD)
    WaveFactory(program=Program.objects.get(), sequence_number=7)
    assert clash(GOOD.replace("sequence_number: 2", "sequence_number: 7")) == [
        "plan.yaml:32: sequence_number: is that of a wave of the office not in the file"
    ]


def test_a_blocker_that_is_open_already_is_in_the_way():
    closed = GOOD.replace(
        "detected_at: 2026-01-08\n", "detected_at: 2026-01-08\n  resolved_at: 2026-01-09\n"
    )
    load(closed)
    wave = Wave.objects.get(name="The second wave")
    Blocker.objects.create(
        entity_type="wave", entity_id=wave.pk, classification="protected_path", description="Again."
    )
    assert clash(GOOD) == ["plan.yaml:38: stuck: is open in the office already, as another blocker"]


def test_a_file_gives_no_program_to_another_organisation():
    north, south = OrganisationFactory(), OrganisationFactory()

    def of(organisation):
        return GOOD.replace("key: lamps", f"key: lamps\n  organisation_id: {organisation}")

    nowhere = "is no organisation of this office: leave it out"
    assert clash(of("0a0a0a0a-0000-4000-8000-000000000001")) == [
        f"plan.yaml:4: organisation_id: {nowhere}"
    ]
    load(of(north.pk))
    load(of(north.pk))
    load(GOOD)
    for other in (south.pk, "null"):
        [told] = clash(of(other))
        assert told.startswith("plan.yaml:4: organisation_id: is not the program's: leave it out")
        assert "manage.py organisation move" in told
    assert Program.objects.get().organisation_id == north.pk
