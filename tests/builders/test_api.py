"""Heartbeats over HTTP: what is taken, what is refused, and in which words."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import actions
from builders.models import Builder, Heartbeat
from tests.factories import BuilderFactory

UNKNOWN = str(uuid.UUID(int=0))
ID = "7b1f6a52-9d0e-4f0b-8f57-0d4a3f4c2b11"


def short(part):
    return ascii(part)[:40]


def said(answer):
    """Return what a refusal says, as pairs of field and rule, after looking at its form."""
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["errors"]
    for error in answer.json()["errors"]:
        assert set(error) == {"field", "rule", "message"}
        assert error["message"]
    return [(error["field"], error["rule"]) for error in answer.json()["errors"]]


# --- what is taken --------------------------------------------------------------------------------


def test_a_beat_is_stored_and_moves_the_task_in_hand(post, builder, task):
    actions.assign_task(task, builder, by=None, override="a scene")
    answer = post(
        {
            "builder_id": "ui-builder",
            "task_id": str(task.pk),
            "status": "active",
            "message": "The left panel stands — ✓.",
            "progress_percentage": 40,
        }
    )
    stored = Heartbeat.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "heartbeat_id": str(stored.pk),
        "timestamp": stored.timestamp.isoformat().replace("+00:00", "Z"),
        "interval_seconds": 60,
    }
    assert (stored.task, stored.message) == (task, "The left panel stands — ✓.")
    builder.refresh_from_db()
    task.refresh_from_db()
    assert (builder.state, builder.last_heartbeat) == ("active", stored.timestamp)
    assert (task.state, task.progress_percentage) == ("in-progress", 40)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"task_id": None, "message": None, "progress_percentage": None},
        {"heartbeat_id": None, "timestamp": None},
        {"status": "idle", "progress_percentage": 0},
        {"status": "blocked", "progress_percentage": 100, "message": ""},
        {"message": "x" * 10_000},
        {"message": "é" * 10_000},
        {"message": "\x01\x7f\u2028 and \t\r\n"},
        {"heartbeat_id": ID.upper()},
        {"timestamp": "2026-01-02T03:04:05Z"},
        {"timestamp": "2026-01-02T03:04:05.123456789+14:00"},
        {"timestamp": "1970-01-01T00:00:00Z"},
    ],
    ids=short,
)
def test_a_beat_says_as_much_as_it_likes(post, beat, more):
    assert post({**beat, **more}).status_code == 201
    stored = Heartbeat.objects.get()
    assert stored.message == more.get("message")
    assert stored.progress_percentage == more.get("progress_percentage")


def test_the_senders_time_is_kept_to_the_microsecond(post, beat):
    answer = post({**beat, "timestamp": "2026-01-02T03:04:05.123456+02:00"})
    at = datetime(2026, 1, 2, 1, 4, 5, 123456, UTC)
    assert Heartbeat.objects.get().timestamp == at
    assert answer.json()["timestamp"] == "2026-01-02T01:04:05.123456Z"


def test_the_answer_names_the_interval_of_the_office(post, beat, settings):
    settings.FOREMAN_HEARTBEAT_INTERVAL_SECONDS = 7
    assert post(beat).json()["interval_seconds"] == 7


@pytest.mark.django_db(transaction=True)
def test_a_beat_is_one_statement_without_a_transaction_around_it(
    post, beat, builder, task, django_assert_num_queries
):
    actions.assign_task(task, builder, by=None, override="a scene")
    beat |= {"task_id": str(task.pk), "progress_percentage": 1}
    one = django_assert_num_queries(1, connection=actions._kept())
    with django_assert_num_queries(0), one as queries:
        assert post(beat).status_code == 201
    assert "builders_record_heartbeat" in queries[0]["sql"]


def test_a_beat_asks_for_no_cookie_and_sets_none(post, beat):
    answer = post(beat)
    assert not answer.cookies
    assert "Vary" not in answer.headers


def test_a_beat_needs_no_csrf_token(token, beat):
    answer = Client(enforce_csrf_checks=True).post(
        "/api/heartbeat",
        beat,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201


# --- late, repeated, out of order -----------------------------------------------------------------


def test_late_and_unordered_beats_are_kept_and_move_nothing_backwards(post, beat, builder, task):
    actions.assign_task(task, builder, by=None, override="a scene")
    start = now() - timedelta(minutes=10)

    def say(minute, progress, status="active"):
        at = start + timedelta(minutes=minute)
        more = {"task_id": str(task.pk), "progress_percentage": progress, "status": status}
        assert post({**beat, **more, "timestamp": at.isoformat()}).status_code == 201

    # Their own order would be 10, 20, 30; the builder was last heard of by what came with migrate.
    Builder.objects.filter(pk=builder.pk).update(last_heartbeat=start)
    say(1, 10)
    say(3, 30, "blocked")
    say(2, 20)
    builder.refresh_from_db()
    task.refresh_from_db()
    assert Heartbeat.objects.count() == 3
    assert (builder.state, builder.last_heartbeat) == ("blocked", start + timedelta(minutes=3))
    assert task.progress_percentage == 30


def test_a_beat_on_a_task_that_another_builder_holds_is_kept_and_leaves_it_alone(post, beat, task):
    actions.assign_task(task, BuilderFactory(builder_id="qa-builder"), by=None, override="a scene")
    assert post({**beat, "task_id": str(task.pk), "progress_percentage": 9}).status_code == 201
    task.refresh_from_db()
    assert (task.state, task.progress_percentage) == ("assigned", 0)


def test_the_same_beat_twice_is_one_row_and_one_answer(post, beat, task):
    sent = {**beat, "task_id": str(task.pk), "message": "once", "heartbeat_id": ID}
    first, second = post(sent), post(sent)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert Heartbeat.objects.count() == 1


def test_a_beat_repeated_late_does_not_bring_its_state_back(post, beat, builder):
    sent = {**beat, "heartbeat_id": ID}
    post(sent)
    post({**beat, "status": "blocked"})
    assert post(sent).status_code == 201
    builder.refresh_from_db()
    assert builder.state == "blocked"


@pytest.mark.parametrize(
    "change",
    [
        {"status": "idle"},
        {"message": "other"},
        {"message": None},
        {"progress_percentage": 6},
        {"progress_percentage": None},
        {"task_id": None},
        {"timestamp": "2026-01-02T03:04:06Z"},
    ],
    ids=short,
)
def test_another_beat_under_a_used_id_is_refused(post, beat, task, change):
    sent = {
        **beat,
        "heartbeat_id": ID,
        "task_id": str(task.pk),
        "message": "once",
        "progress_percentage": 5,
        "timestamp": "2026-01-02T03:04:05Z",
    }
    assert post(sent).status_code == 201
    answer = post({**sent, **change})
    assert answer.status_code == 409
    assert said(answer) == [("heartbeat_id", "heartbeat_id_used_once")]
    assert Heartbeat.objects.get().progress_percentage == 5


def test_an_id_that_another_builder_used_is_refused(post, beat):
    Heartbeat.objects.create(pk=ID, builder_id="qa-builder", status="active")
    answer = post({**beat, "heartbeat_id": ID})
    assert answer.status_code == 409
    assert said(answer) == [("heartbeat_id", "heartbeat_id_used_once")]


@pytest.mark.django_db(transaction=True)
def test_one_beat_from_ten_connections_at_once_is_one_row_and_one_answer(token, beat):
    together = Barrier(10)

    def send(heartbeat_id):
        connection.ensure_connection()
        try:
            together.wait(timeout=30)
            answer = Client().post(
                "/api/heartbeat",
                {**beat, "heartbeat_id": heartbeat_id},
                content_type="application/json",
                headers={"Authorization": f"Bearer {token}"},
            )
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as threads:
        for turn in range(1, 11):
            answers = set(threads.map(send, [str(uuid.uuid4())] * 10))
            assert [status for status, _ in answers] == [201]
            assert Heartbeat.objects.count() == turn


# --- who may speak --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {}", "{}", "Bearer {}x", "Bearer  {}"],
)
@pytest.mark.parametrize("content", ["good", "bad"])
def test_without_a_valid_token_nothing_is_said_but_401(post, beat, token, authorization, content):
    body = beat if content == "good" else b"{"
    answer = post(body, Authorization=authorization.format(token))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert said(answer) == [("Authorization", "valid_token")]
    assert not Heartbeat.objects.exists()


def test_a_request_without_the_header_is_401(client, beat):
    answer = client.post("/api/heartbeat", beat, content_type="application/json")
    assert answer.status_code == 401
    assert said(answer) == [("Authorization", "valid_token")]


def test_the_scheme_may_be_written_small(post, beat, token):
    assert post(beat, Authorization=f"bearer {token}").status_code == 201


@pytest.mark.parametrize("name", ["api", "schema", "integration", "qa"])
def test_a_builder_speaks_for_no_other(post, beat, name):
    before = list(Builder.objects.values())
    answer = post({**beat, "builder_id": f"{name}-builder"})
    assert answer.status_code == 403
    assert said(answer) == [("builder_id", "own_builder")]
    assert not Heartbeat.objects.exists()
    assert list(Builder.objects.values()) == before


def test_an_unknown_task_is_404(post, beat):
    answer = post({**beat, "task_id": UNKNOWN})
    assert answer.status_code == 404
    assert said(answer) == [("task_id", "known_task")]
    assert not Heartbeat.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_beat_from_the_future_is_refused_by_name(post, beat):
    soon, late = (now() + timedelta(seconds=seconds) for seconds in (50, 70))
    assert post({**beat, "timestamp": soon.isoformat()}).status_code == 201
    answer = post({**beat, "timestamp": late.isoformat()})
    assert answer.status_code == 422
    assert said(answer) == [("timestamp", "builders_heartbeats_not_ahead")]
    assert Heartbeat.objects.count() == 1


# --- what is refused ------------------------------------------------------------------------------

WRONG_FIELDS = [
    ({"status": "asleep"}, "status", "enum"),
    ({"status": None}, "status", "enum"),
    ({"status": 1}, "status", "enum"),
    ({"status": ["active"]}, "status", "enum"),
    ({"builder_id": "no-builder"}, "builder_id", "enum"),
    ({"builder_id": None}, "builder_id", "enum"),
    ({"builder_id": {}}, "builder_id", "enum"),
    ({"task_id": "7"}, "task_id", "uuid_parsing"),
    ({"task_id": 7}, "task_id", "uuid_type"),
    ({"task_id": UNKNOWN + "\0"}, "task_id", "uuid_parsing"),
    ({"heartbeat_id": ""}, "heartbeat_id", "uuid_parsing"),
    ({"heartbeat_id": True}, "heartbeat_id", "uuid_type"),
    ({"message": 5}, "message", "string_type"),
    ({"message": ["a"]}, "message", "string_type"),
    ({"message": "a\0b"}, "message", "no_nul"),
    ({"message": "\ud800"}, "message", "string_unicode"),
    ({"message": "a\udfff\ud800b"}, "message", "string_unicode"),
    ({"message": "x" * 10_001}, "message", "string_too_long"),
    ({"progress_percentage": -1}, "progress_percentage", "greater_than_equal"),
    ({"progress_percentage": 101}, "progress_percentage", "less_than_equal"),
    ({"progress_percentage": 10**400}, "progress_percentage", "less_than_equal"),
    ({"progress_percentage": "5"}, "progress_percentage", "int_type"),
    ({"progress_percentage": True}, "progress_percentage", "int_type"),
    ({"progress_percentage": 5.0}, "progress_percentage", "int_type"),
    ({"progress_percentage": [5]}, "progress_percentage", "int_type"),
    ({"timestamp": 1767322800}, "timestamp", "iso_8601"),
    ({"timestamp": "1767322800"}, "timestamp", "iso_8601"),
    ({"timestamp": "yesterday"}, "timestamp", "iso_8601"),
    ({"timestamp": "2026-13-01T00:00:00Z"}, "timestamp", "iso_8601"),
    ({"timestamp": "2026-01-02\ud80003:04:05Z"}, "timestamp", "iso_8601"),
    ({"timestamp": {}}, "timestamp", "iso_8601"),
    ({"timestamp": "2026-01-02"}, "timestamp", "timezone_aware"),
    ({"timestamp": "2026-01-02T03:04:05"}, "timestamp", "timezone_aware"),
    ({"timestamp": "1969-12-31T23:59:59Z"}, "timestamp", "greater_than_equal"),
    ({"timestamp": "0001-01-01T00:00:00+23:59"}, "timestamp", "greater_than_equal"),
    ({"timestamp": "9999-12-31T23:59:59-23:59"}, "timestamp", "less_than"),
    ({"state": "active"}, "state", "extra_forbidden"),
    ({"": 1}, "", "extra_forbidden"),
    ({"Status": "idle"}, "Status", "extra_forbidden"),
    ({"\0": 1}, "\0", "extra_forbidden"),
]


@pytest.mark.parametrize(("change", "field", "rule"), WRONG_FIELDS, ids=short)
def test_a_wrong_field_is_named_with_the_rule_that_it_breaks(post, beat, change, field, rule):
    answer = post({**beat, **change})
    assert answer.status_code == 422
    assert said(answer) == [(field, rule)]
    assert not Heartbeat.objects.exists()


def test_every_wrong_field_is_named(post):
    answer = post({"progress_percentage": 200, "colour": "red"})
    assert said(answer) == [
        ("builder_id", "missing"),
        ("status", "missing"),
        ("progress_percentage", "less_than_equal"),
        ("colour", "extra_forbidden"),
    ]


def test_thousands_of_wrong_fields_are_not_all_named(post, beat):
    assert len(said(post({**beat, **{str(n): n for n in range(3_000)}}))) == 20


GOOD = b'"builder_id": "ui-builder", "status": "active"'

NOT_A_BEAT = {
    "nothing": (b"", 422, "body", "missing"),
    "blanks": (b" \n", 400, "body", "json"),
    "words": (b"status=active", 400, "body", "json"),
    "half": (b"{" + GOOD, 400, "body", "json"),
    "two documents": (b"{%b} {%b}" % (GOOD, GOOD), 400, "body", "json"),
    "trailing comma": (b"{%b,}" % GOOD, 400, "body", "json"),
    "comment": (b"{%b} // all" % GOOD, 400, "body", "json"),
    "single quotes": (b"{'status': 'active'}", 400, "body", "json"),
    "NUL outside": (b"{%b}\0" % GOOD, 400, "body", "json"),
    "raw NUL in a text": (b'{%b, "message": "\0"}' % GOOD, 400, "body", "json"),
    "raw newline in a text": (b'{%b, "message": "\n"}' % GOOD, 400, "body", "json"),
    "NaN": (b'{%b, "progress_percentage": NaN}' % GOOD, 400, "body", "json"),
    "Infinity": (b'{%b, "progress_percentage": Infinity}' % GOOD, 400, "body", "json"),
    "-Infinity": (b'{%b, "progress_percentage": -Infinity}' % GOOD, 400, "body", "json"),
    "huge float": (
        b'{%b, "progress_percentage": 1e999}' % GOOD,
        422,
        "progress_percentage",
        "int_type",
    ),
    "huge number": (b'{%b, "progress_percentage": 1%b}' % (GOOD, b"0" * 5000), 400, "body", "json"),
    "octal": (b'{%b, "progress_percentage": 010}' % GOOD, 400, "body", "json"),
    "BOM": (b"\xef\xbb\xbf{%b}" % GOOD, 400, "body", "json"),
    "not UTF-8": (b'{%b, "message": "\xff\xfe"}' % GOOD, 400, "body", "json"),
    "overlong UTF-8": (b'{%b, "message": "\xc0\x80"}' % GOOD, 400, "body", "json"),
    "surrogate in UTF-8": (b'{%b, "message": "\xed\xa0\x80"}' % GOOD, 400, "body", "json"),
    "UTF-16": ((b"{%b}" % GOOD).decode().encode("utf-16"), 400, "body", "json"),
    "UTF-32": ((b"{%b}" % GOOD).decode().encode("utf-32-le"), 400, "body", "json"),
    "gzip without saying so": (b"\x1f\x8b\x08\x00" + b"\0" * 20, 400, "body", "json"),
    "a key twice": (b'{%b, "status": "idle"}' % GOOD, 400, "status", "json_unique_keys"),
    "a key twice inside": (
        b'{%b, "message": {"a": 1, "a": 2}}' % GOOD,
        400,
        "a",
        "json_unique_keys",
    ),
    "deep arrays": (b"[" * 60_000, 400, "body", "json_depth"),
    "deep objects": (b'{"a":' * 12_000, 400, "body", "json_depth"),
    "deep message": (
        b'{%b, "message": %b%b}' % (GOOD, b"[" * 30_000, b"]" * 30_000),
        400,
        "body",
        "json_depth",
    ),
    "nested message": (
        b'{%b, "message": %b%b}' % (GOOD, b"[" * 400, b"]" * 400),
        422,
        "message",
        "string_type",
    ),
    "an array": (b"[{%b}]" % GOOD, 422, "body", "model_type"),
    "null": (b"null", 422, "body", "model_type"),
    "true": (b"true", 422, "body", "model_type"),
    "a number": (b"7", 422, "body", "model_type"),
    "a text": (b'"active"', 422, "body", "model_type"),
    "an empty object": (b"{}", 422, "builder_id", "missing"),
    "a lone surrogate as a key": (b'{%b, "\\ud800": 1}' % GOOD, 422, "body", "string_unicode"),
}


@pytest.mark.parametrize("name", NOT_A_BEAT)
def test_a_body_that_is_no_beat_is_refused(post, name):
    body, status, field, rule = NOT_A_BEAT[name]
    answer = post(body)
    assert answer.status_code == status
    assert said(answer)[0] == (field, rule)
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize("size", [64 * 1024 + 1, 3 * 1024 * 1024])
def test_a_body_over_64_kib_is_refused_unread(post, size):
    answer = post(b"{" + b" " * (size - 2) + b"}")
    assert answer.status_code == 413
    assert said(answer) == [("body", "body_size")]


def test_a_body_of_64_kib_is_read(post):
    body = b"{%b" % GOOD
    assert post(body + b" " * (64 * 1024 - len(body) - 1) + b"}").status_code == 201


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_what_does_not_call_itself_json_is_refused(post, beat, content_type):
    answer = post(beat, content_type)
    assert answer.status_code == 415
    assert said(answer) == [("Content-Type", "json_only")]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;"]
)
def test_json_may_be_called_by_any_of_its_names(post, beat, content_type):
    assert post(beat, content_type).status_code == 201


def test_an_encoded_body_is_refused(post, beat):
    answer = post(beat, Content_Encoding="gzip")
    assert answer.status_code == 415
    assert said(answer) == [("Content-Encoding", "identity_only")]


def test_a_body_of_unknown_length_is_refused(post, beat):
    answer = post(beat, Transfer_Encoding="chunked")
    assert answer.status_code == 411
    assert said(answer) == [("Content-Length", "length_known")]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "options", "head", "trace"])
def test_a_wrong_method_is_405_and_the_right_one_is_named(client, method):
    answer = getattr(client, method)("/api/heartbeat")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    if method != "head":
        assert said(answer) == [(None, "method_not_allowed")]


@pytest.mark.parametrize("path", ["/api/", "/api/heartbeat/", "/api/nothing", "/api/\0", "/api/é"])
def test_a_path_that_is_not_there_is_refused_in_the_same_form(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert said(answer) == [(None, "not_found")]


def test_a_host_that_is_not_ours_is_refused_in_the_same_form(client):
    answer = client.get("/api/assignment", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert said(answer) == [(None, "bad_request")]


def test_pages_keep_their_own_errors(client):
    assert client.get("/nothing").headers["Content-Type"].startswith("text/html")


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


at_length = settings(max_examples=400)


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


# --- the document ---------------------------------------------------------------------------------


def test_the_document_states_what_is_taken_and_what_is_answered(client):
    document = client.get("/api/openapi.json").json()
    beat = document["paths"]["/api/heartbeat"]["post"]
    schemas = document["components"]["schemas"]
    assert schemas["Beat"]["required"] == ["builder_id", "status"]
    assert schemas["Beat"]["additionalProperties"] is False
    assert schemas["HeartbeatStatus"]["enum"] == ["active", "idle", "blocked"]
    assert beat["requestBody"]["required"] is True
    assert set(beat["responses"]) == {
        *("201", "400", "401", "403", "404", "409", "411", "413", "415", "422", "503")
    }
    assert document["components"]["securitySchemes"]
