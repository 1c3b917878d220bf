"""What a plan file may not be: each fault is told with its line, and nothing is written."""

import io
import time
from contextlib import suppress
from copy import copy

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from foreman_office import plan_files
from foreman_office.plan_files import reading
from foreman_office.plan_files.plan import KINDS
from tests.plan_files.plans import GOOD, read


def refusal(text):
    with pytest.raises(plan_files.PlanErrors) as caught:
        read(text)
    return caught.value.lines()


def test_the_plan_that_the_faults_are_put_into_is_good():
    plan = read(GOOD)
    assert {kind: plan.count(kind) for kind in KINDS if plan.count(kind)} == {
        "program": 1,
        "wave": 2,
        "task": 1,
        "validation": 1,
        "qa_run": 1,
        "builder": 1,
        "blocker": 1,
        "evidence": 1,
    }


FAULTS = {
    "unknown key": ("    name: The first wave", "    nam: The first wave", 7, "nam: unknown key"),
    "unknown key at the top": ("blockers:", "blocker:", 37, "blocker: unknown key"),
    "missing key": ("    sequence_number: 2\n", "", 30, "sequence_number: is missing"),
    "wrong state": (
        "state: completed",
        "state: done",
        13,
        "'done' is not one of planned, assigned",
    ),
    "wrong builder": (
        "assigned_builder: ui",
        "assigned_builder: db",
        12,
        "is not one of ui-builder",
    ),
    "wrong backend": ("backend_type: hosted", "backend_type: cloud", 36, "is not one of local"),
    "wrong class": ("protected_path", "bad_luck", 41, "'bad_luck' is not one of"),
    "wrong status": ("PARTIAL", "AMBER", 21, "'AMBER' is not one of RED, PARTIAL, GREEN"),
    "wrong readiness": ("NOT_READY", "MAYBE", 28, "'MAYBE' is not one of READY"),
    "status against counts": ("PARTIAL", "GREEN", 21, "says GREEN, but the run says PARTIAL"),
    "counts that do not add up": (
        "        total: 4",
        "        total: 9\n        skipped: 0",
        18,
        "9 tests are not the sum of 3 + 1 + 0",
    ),
    "counts below the parts": ("total: 4", "total: 3", 18, "3 tests are not the sum of 3 + 1 + -1"),
    "negative count": ("failing: 1", "failing: -1", 20, "greater than or equal to 0"),
    "too few counts": (
        "        passing: 3\n        failing: 1\n",
        "",
        17,
        "do not determine how many",
    ),
    "a place below the first": ("sequence_number: 1", "sequence_number: -1", 8, "equal to 0"),
    "a run of the future": ("2026-01-08T10:00:00Z", "2096-01-08T10:00:00Z", 15, "in the future"),
    "a day of the future": ("2026-01-08T10:00:00Z", "2096-01-08", 15, "in the future"),
    "text for a number": ("sequence_number: 1", "sequence_number: one", 8, "a valid integer"),
    "a truth value for a number": ("total: 4", "total: yes", 18, "should be a valid integer"),
    "a fraction for a number": ("total: 4", "total: 4.5", 18, "should be a valid integer"),
    "a number for a text": ("name: The first wave", "name: 1", 7, "should be a valid string"),
    "a time for a text": ("name: The first wave", "name: 2026-01-01", 7, "a valid string"),
    "text for a time": ("2026-01-08T10:00:00Z", "'2026-01-08'", 15, "must be a time such as"),
    "a time without zone": ("2026-01-08T10:00:00Z", "2026-01-08T10:00:00", 15, "needs its zone"),
    "a day that is none": ("2026-01-08T10:00:00Z", "2026-02-30", 15, "2026-02-30: day"),
    "a list for a text": ("name: Lamps", "name: [Lamps]", 4, "should be a valid string"),
    "a text for a list": ("dependencies: [first]", "dependencies: first", 33, "a valid list"),
    "a check that is not yes or no": ("signed: false", "signed: almost", 26, "a valid boolean"),
    "more than all": ("progress_percentage: 100", "progress_percentage: 101", 14, "less than or"),
    "more than all items": ("pass_rate: 50", "pass_rate: 100.5", 27, "must be between 0 and 100"),
    "no number": ("pass_rate: 50", "pass_rate: .nan", 27, ".nan: not a number"),
    "too exact": ("pass_rate: 50", "pass_rate: 33.3333", 27, "has more than two decimals"),
    "too large": ("total: 4", "total: 4000000000", 18, "less than or equal to 2147483647"),
    "same key": ("key: second", "key: wire", 30, "wire is a duplicate, first in line 10"),
    "same yaml key": ("    name: The first wave", "    key: x", 7, "key: duplicate key"),
    "same number": ("sequence_number: 2", "sequence_number: 1", 32, "1 is that of first"),
    "same builder": (
        "- builder_id: ui-builder",
        "- builder_id: ui-builder\n- builder_id: ui-builder",
        36,
        "ui-builder is a duplicate",
    ),
    "dangling dependency": ("dependencies: [first]", "dependencies: [third]", 33, "no wave third"),
    "repeated dependency": ("[first]", "[first, first]", 33, "name a wave twice"),
    "self dependency": ("dependencies: [first]", "dependencies: [second]", 33, "have a cycle"),
    "dangling blocker": ("entity: second", "entity: third", 40, "there is no wave third"),
    "dangling evidence": ("entity: wire", "entity: wave", 47, "there is no task wave"),
    "wrong kind of entity": ("entity_type: task", "entity_type: wave", 47, "no wave wire"),
    "not an id": ("key: lamps", "key: lamps\n  id: 7", 4, "id: must be a UUID"),
    "empty key": ("key: lamps", "key: ''", 3, "should have at least 1 character"),
    "empty name": ("name: Lamps", "name: ''", 4, "should have at least 1 character"),
    "a name too long for its index": ("name: Lamps", f"name: {'x' * 2001}", 4, "at most 2,000"),
    "wrong version": (
        "format_version: 1",
        "format_version: 2",
        1,
        "format_version 2 is not supported",
    ),
    "no version": ("format_version: 1\n", "", 1, "format_version: is missing"),
    "a version that is text": ("format_version: 1", "format_version: '1'", 1, "a valid integer"),
    "no program": ("program:", "programme:", 2, "programme: unknown key"),
    "anchor": ("name: Lamps", "name: &x Lamps", 4, "anchors and aliases are not used"),
    "alias": ("name: Lamps", "name: *x", 4, "anchors and aliases are not used"),
    "tag": ("name: Lamps", "name: !!python/object:os.system x", 4, "tags"),
    "merge": ("name: Lamps", "<<: {name: Lamps}", 4, "<<: unknown key"),
    "nul": ("name: Lamps", 'name: "L\\0"', 4, "a character that a database cannot store"),
    "bad yaml": ("name: Lamps", "name: [Lamps", 5, "not YAML: "),
    "bad indentation": ("  name: Lamps", " name: Lamps", 4, "not YAML: "),
    "key that is no text": ("complete: true", "1: true", 26, "the key 1 is not text; quote it"),
    "key that is a list": ("name: Lamps", "[a]: b", 4, "the key ['a'] is not text"),
    "two documents": ("evidence:", "---\nevidence:", 44, "a plan file has exactly one document"),
    "a circle": (
        "    name: The first wave",
        "    name: x\n    dependencies: [second]",
        8,
        "have a cycle",
    ),
    "two open blockers": (
        "blockers:",
        "blockers:\n- {key: b, entity_type: wave, entity: second, classification: protected_path,"
        " detected_at: 2026-01-08}",
        39,
        "is open as b already",
    ),
    "reserved context": (
        "action: looked-at",
        "action: looked-at\n  context: {import: 1}",
        49,
        "import belongs beside the context",
    ),
    "evidence without key": ("- key: looked\n  entity_type", "- entity_type", 45, "a key or an id"),
    "a beat of the future": (
        "      validations:",
        "      heartbeats: [{key: hb, builder: ui-builder, at: 2999-01-01T00:00:00Z}]\n"
        "      validations:",
        23,
        "at: is in the future",
    ),
    "a violation that was resolved before it was detected": (
        "      validations:",
        "      violations: [{key: v, violation_type: debt, detected_at: 2025-12-02T00:00:00Z,"
        " resolved_at: 2025-12-01T00:00:00Z}]\n      validations:",
        23,
        "resolved_at: is before detected_at",
    ),
}


def test_a_fault_is_told_with_its_line(subtests):
    for fault, (old, new, line, reason) in FAULTS.items():
        with subtests.test(fault=fault):
            assert GOOD.count(old) >= 1
            lines = refusal(GOOD.replace(old, new, 1))
            told = [said for said in lines if said.startswith(f"plan.yaml:{line}: ")]
            assert any(reason in said for said in told), lines


NO_PLANS = [
    (b"", "1: the file is empty"),
    (b"# nothing\n", "1: the file is empty"),
    (b"just a text", "a plan file is a mapping"),
    (b"- a\n- list\n", "a plan file is a mapping"),
    (b"null", "a plan file is a mapping"),
    (b"a: 1\n\nb: \x00\n", "3: not YAML: control characters are not allowed"),
    (b"a: 1\nb: \xe4\n", "2: not YAML: incomplete UTF-8"),
    (b"\xff\xfe\xfa", "not YAML"),
    (b'a: "\\ud800"', "1: not YAML: "),
    (b"a: " + b"[" * 200 + b"]" * 200, "1: nested more than 40 levels deep"),
    (b"a: " + b"[" * 100_000, "1: nested more than 40 levels deep"),
    (b"a: 0x" + b"f" * 5000, "too large a number"),
    (b"a: " + b"9" * 5000, "Exceeds the limit"),
    (b"a: 1.0e+999", "1.0e+999: not a number"),
]


def test_what_is_no_plan_at_all_is_told_too(subtests):
    for content, reason in NO_PLANS:
        with subtests.test(content=content[:20]):
            assert reason in "\n".join(refusal(content))


def test_all_faults_are_told_at_once_and_in_order():
    text = GOOD.replace("state: completed", "state: done").replace("total: 4", "total: many")
    lines = refusal(text.replace("hosted", "cloud"))
    assert [line.split(": ")[0] for line in lines] == [
        "plan.yaml:13",
        "plan.yaml:18",
        "plan.yaml:36",
    ]


def test_a_hundred_faults_are_told_as_fifty_and_their_number():
    text = GOOD + "".join(f"- key: e{number}\n  odd: 1\n" for number in range(100))
    lines = refusal(text)
    assert len(lines) == 51
    assert lines[-1] == "plan.yaml: and 450 more"


def test_after_a_thousand_faults_no_more_are_looked_for():
    lines = refusal(GOOD + "".join(f"- key: e{number}\n  odd: 1\n" for number in range(1000)))
    assert lines[-1] == "plan.yaml: and at least 950 more"


def test_a_file_for_another_version_is_refused_for_that_alone():
    text = GOOD.replace("state: completed", "state: done").replace("version: 1", "version: 2")
    assert refusal(text) == ["plan.yaml:1: format_version 2 is not supported; this office reads 1"]


def test_records_may_stand_in_any_order_and_before_what_says_who_they_are():
    turned = yaml.safe_dump(upside_down(yaml.safe_load(GOOD)), sort_keys=False)
    assert turned.startswith("evidence:")
    for kind in KINDS:
        assert [row.values for row in read(turned).rows(kind)] == [
            row.values for row in read(GOOD).rows(kind)
        ]


def upside_down(value):
    if isinstance(value, dict):
        return {key: upside_down(item) for key, item in reversed(value.items())}
    return [upside_down(item) for item in value] if isinstance(value, list) else value


def test_a_bomb_of_aliases_is_refused_before_it_goes_off():
    bomb = ["a0: &a0 [lol, lol]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    text = "\n".join(bomb) + "\npadding: |\n" + ("  x" * 33 + "\n") * 500_000
    assert len(text) > 50_000_000
    began = time.process_time()
    assert refusal(text) == ["plan.yaml:1: anchors and aliases are not used in plan files"]
    assert time.process_time() - began < 60


def test_a_file_beyond_measure_is_not_read_to_its_end():
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size=-1):
            self.given += size
            return b" " * size

    stream = Endless()
    with pytest.raises(plan_files.PlanErrors, match="larger than 64 MB"):
        plan_files.read_plan(stream, "endless.yaml")
    assert stream.given < reading.MAX_BYTES + 2**20


def test_a_file_of_too_many_values_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_VALUES", 1000)
    assert refusal("a: [" + "x," * 2000 + "]") == ["plan.yaml:1: more than 1,000 values"]


# Anything else

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=3),
    st.lists(st.integers() | st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=5) | st.integers(), st.integers(), max_size=2),
)


def places(value, path=()):
    """Return the path of everything in a document."""
    found = [path]
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            found += places(item, (*path, key))
    return found


def put(value, path, new):
    if not path:
        return new
    value = copy(value)
    value[path[0]] = put(value[path[0]], path[1:], new)
    return value


GOOD_DOCUMENT = yaml.safe_load(GOOD)


@given(st.sampled_from(places(GOOD_DOCUMENT)), junk)
def test_a_value_of_any_kind_in_any_place_is_read_or_refused(path, new):
    text = yaml.safe_dump(put(GOOD_DOCUMENT, path, new))
    with suppress(plan_files.PlanErrors):
        assert read(text)


@given(st.integers(0, len(GOOD)), st.integers(0, 30), st.binary(max_size=5))
def test_a_file_damaged_anywhere_is_read_or_refused(start, length, new):
    content = GOOD.encode()
    with suppress(plan_files.PlanErrors):
        assert read(content[:start] + new + content[start + length :])
