"""What an export says: the words of the file as long as they mean the row, and one key each."""

from datetime import UTC, datetime

import pytest
import yaml

from foreman_office import plan_files
from governance.models import ArchitectureValidation, Blocker, Evidence
from kit.core.acts import act
from programs.models import Program, Task
from tests.database import without_triggers
from tests.plan_files.plans import GOOD, exported, load, load_sample

pytestmark = pytest.mark.django_db


def test_the_sample_is_exported_as_it_was_written():
    """But for what only the office knows: when rows were made, and where builders run."""
    text = exported(load_sample())
    written, again = (
        yaml.load(each, Loader=yaml.CSafeLoader) for each in (plan_files.SAMPLE.read_text(), text)
    )
    assert without_silence(again) == without_silence(written)


def without_silence(value):
    if isinstance(value, dict):
        return {
            key: without_silence(item)
            for key, item in value.items()
            if key not in ("created_at", "updated_at", "backend_type") and item not in (None, [])
        }
    if isinstance(value, list):
        return [without_silence(item) for item in value]
    if isinstance(value, str) and value.startswith("2026-01-07T16:08:37"):
        return datetime.fromisoformat(value)  # within provenance, where JSON has no times
    return value


def test_a_word_of_the_file_is_exported_for_as_long_as_it_means_the_row():
    program = load_sample()
    ready = exported(program).count("build_readiness: READY")
    with act(None, reason="A correction."):
        ArchitectureValidation.objects.filter(pass_rate="91.7").update(pass_rate="91.8")
    assert exported(program).count("build_readiness: READY") == ready

    told = Evidence.objects.get(context__recorded__has_key="detected_at").context
    word = f"detected_at: {told['recorded']['detected_at']}\n"
    assert word in exported(program)
    Blocker.objects.filter(pk=told["record"]["id"]).update(
        detected_at=datetime(2020, 1, 1, 10, tzinfo=UTC)
    )
    assert word not in exported(program)
    assert exported(program).count("detected_at: 2020-01-01T10:00:00Z\n") == 1


def test_what_no_file_could_say_is_not_exported_as_something_else(by_hand):
    with without_triggers():  # from before results had to be objects
        ArchitectureValidation.objects.update(validation_results=["loose"])
    with pytest.raises(plan_files.Unwritable, match="validation_results"):
        exported(by_hand)


def test_an_export_has_one_key_for_each_row_even_of_one_name(by_hand):
    document = yaml.load(exported(by_hand), Loader=yaml.CSafeLoader)
    keys = [task["key"] for wave in document["program"]["waves"] for task in wave.get("tasks", [])]
    assert len(keys) == len(set(keys)) == 3
    assert "task-wire-a-lamp" in keys
    assert document["program"]["key"] == "program-lamps"
    assert document["program"]["id"] == str(by_hand.pk)


def test_times_are_told_in_utc():
    load(GOOD.replace("2026-01-08T10:00:00Z", "2026-01-08T12:00:00.25+02:00"))
    assert Task.objects.get().started_at == datetime(2026, 1, 8, 10, 0, 0, 250000, UTC)
    assert "started_at: 2026-01-08T10:00:00.250000Z" in exported(Program.objects.get())
