"""JSON is counted before it is read, and what is wrong in it is found in time."""

import json
import time

import pytest

from kit.core import json_bounds
from kit.core.json_bounds import MAX_CONTAINERS, MAX_KEYS, MAX_VALUES, has_too_many_values
from kit.web.api import Problem, strict_json


@pytest.mark.parametrize(
    ("text", "too_many"),
    [
        ("[" + "{}," * (MAX_CONTAINERS - 2) + "{}]", False),
        ("[" + "{}," * MAX_CONTAINERS + "{}]", True),
        ("[" + "[]," * (3 * MAX_CONTAINERS) + "{}]", True),
        ("[" + "1," * (MAX_VALUES - 1) + "1]", False),
        ("[" + "1," * (MAX_VALUES + 1) + "1]", True),
        # What stands in strings is text, however it is escaped.
        (json.dumps(["{[," * (MAX_VALUES // 2)]), False),
        (json.dumps(['\\"{[,' * (MAX_CONTAINERS // 3)] * 2), False),
        ('"' + "\\" * 200_000 + "{" * (MAX_CONTAINERS + 1), True),
    ],
    ids=range(8),
)
def test_values_are_counted_and_strings_are_not(text, too_many):
    assert has_too_many_values(text) is too_many


def test_a_document_with_too_many_values_is_refused_with_the_limit():
    with pytest.raises(Problem, match=f"at most {MAX_CONTAINERS} objects") as refused:
        strict_json(b"[" + b"{}," * MAX_CONTAINERS + b"{}]")
    assert (refused.value.status, refused.value.rule) == (422, "json_values")


def test_an_object_with_too_many_keys_is_refused_with_the_limit():
    keys = ",".join(f'"{number}":1' for number in range(MAX_KEYS + 1))
    with pytest.raises(Problem, match=f"at most {MAX_KEYS} keys"):
        strict_json(f"{{{keys}}}".encode())


def test_the_second_of_many_keys_is_found_in_time():
    """Anybody may send a heartbeat of 64 KiB: what is wrong in it is said before its token."""
    keys = [f'"{number:x}":1' for number in range(MAX_KEYS - 2)]
    begun = time.process_time()
    for _ in range(10):
        with pytest.raises(Problem, match="Duplicate key"):
            strict_json(f"{{{','.join([*keys, keys[-1]])}}}".encode())
    assert time.process_time() - begun < 1  # it took ten times as long

    assert json_bounds.MAX_KEYS * len(keys[-1]) > 64 * 1024
