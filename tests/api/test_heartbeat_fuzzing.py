"""Any body and any headers: a heartbeat is stored, or refused in words."""

import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.models import Heartbeat
from tests.api.refusals import UNKNOWN, said
from tests.api.test_heartbeat_refusals import GOOD
from tests.examples import examples

pytestmark = pytest.mark.pooled


# --- arbitrary input ------------------------------------------------------------------------------

# Drawn from all of Unicode, what breaks texts would hardly ever come up.
texts = st.text(st.characters(exclude_categories=())) | st.text(st.sampled_from("\0\ud800\udfffa"))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.uuids().map(str)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8
)
times = st.datetimes(timezones=st.none() | st.just(UTC) | st.timezones()).map(str)
fields = {
    "builder_id": values,
    "status": values,
    "task_id": st.just(UNKNOWN) | values,
    "message": texts | values,
    "progress_percentage": st.integers(-2, 102) | values,
    "heartbeat_id": st.uuids().map(str) | values,
    "timestamp": times | values,
    "other": values,
}
good_beat = {"builder_id": "ui-builder", "status": "active"}
near_beats = st.one_of(
    # One field is something else, or there are any of them.
    *(
        field.map(lambda value, name=name: {**good_beat, name: value})
        for name, field in fields.items()
    ),
    st.fixed_dictionaries({}, optional=fields),
)


@st.composite
def broken_beats(draw):
    """A good beat with a piece of it replaced by something else."""
    good = b'{%b, "message": "h\xc3\xa9", "progress_percentage": 4}' % GOOD
    start = draw(st.integers(0, len(good)))
    end = draw(st.integers(start, len(good)))
    return good[:start] + draw(st.binary(max_size=6)) + good[end:]


bodies = st.one_of(
    values.map(lambda value: json.dumps(value).encode()),
    near_beats.map(lambda value: json.dumps(value).encode()),
    broken_beats(),
    st.binary(),
)
# What gunicorn lets through: one line of Latin-1 without control characters.
lines = st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]))
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": lines | lines.map("Bearer {}".format),
        "Content-Encoding": lines,
        "Cookie": lines,
        "Accept": lines,
        "X-Forwarded-For": lines,
    },
)
content_types = st.just("application/json") | lines


at_length = examples(40)


@pytest.mark.django_db(transaction=True)
@at_length
@given(body=bodies)
def test_any_body_is_stored_or_refused_in_words(post, body):
    before = Heartbeat.objects.count()
    answer = post(body)
    assert answer.status_code in {201, 400, 403, 404, 409, 422}
    if answer.status_code == 201:
        assert Heartbeat.objects.filter(pk=answer.json()["heartbeat_id"]).exists()
    else:
        assert Heartbeat.objects.count() == before
        assert said(answer)


@pytest.mark.django_db(transaction=True)
@at_length
@given(headers=headers, content_type=content_types)
def test_any_headers_are_understood_or_refused_in_words(post, beat, headers, content_type):
    answer = post(beat, content_type, **headers)
    assert answer.status_code in {201, 401, 415}
    if answer.status_code != 201:
        assert said(answer)
