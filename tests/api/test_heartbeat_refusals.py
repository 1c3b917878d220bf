"""Heartbeats that are refused: by whom they are sent, and what they say."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils.timezone import now

from builders.models import Builder, Heartbeat
from tests.api.refusals import UNKNOWN, said, short

pytestmark = pytest.mark.pooled


# --- who may speak --------------------------------------------------------------------------------


NO_TOKENS = ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {}", "{}", "Bearer {}x", "Bearer  {}"]


def test_without_a_valid_token_nothing_is_said_but_401(post, beat, token, subtests):
    for authorization, content in product(NO_TOKENS, ["good", "bad"]):
        with subtests.test(authorization=authorization, content=content):
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


def test_a_builder_speaks_for_no_other(post, beat, subtests):
    for name in ["api", "schema", "integration", "qa"]:
        with subtests.test(name=name):
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


@pytest.mark.django_db(transaction=True)
def test_a_builder_whose_beats_are_refused_for_its_clock_is_not_silent(post, beat):
    Builder.objects.filter(pk=beat["builder_id"]).update(heard_at=now() - timedelta(hours=1))
    late = now() + timedelta(seconds=75)
    assert post({**beat, "timestamp": late.isoformat()}).status_code == 422
    heard = Builder.objects.get(pk=beat["builder_id"]).heard_at
    assert now() - heard < timedelta(minutes=1)
    # Another builder's name proves nothing of it.
    other = {**beat, "builder_id": "qa-builder", "timestamp": late.isoformat()}
    assert post(other).status_code == 403
    assert Builder.objects.get(pk="qa-builder").heard_at is None


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


def test_a_wrong_field_is_named_with_the_rule_that_it_breaks(post, beat, subtests):
    for change, field, rule in WRONG_FIELDS:
        with subtests.test(change=short(change), rule=rule):
            answer = post({**beat, **change})
            assert answer.status_code == 422
            assert said(answer) == [(field, rule)]
            assert "datetime" not in answer.text
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


def test_a_body_that_is_no_beat_is_refused(post, subtests):
    for name in NOT_A_BEAT:
        with subtests.test(name=name):
            body, status, field, rule = NOT_A_BEAT[name]
            answer = post(body)
            assert answer.status_code == status
            assert said(answer)[0] == (field, rule)
            assert not Heartbeat.objects.exists()


def test_a_body_over_64_kib_is_refused_unread(post, subtests):
    for size in [64 * 1024 + 1, 3 * 1024 * 1024]:
        with subtests.test(size=size):
            answer = post(b"{" + b" " * (size - 2) + b"}")
            assert answer.status_code == 413
            assert said(answer) == [("body", "body_size")]


def test_a_body_of_64_kib_is_read(post):
    body = b"{%b" % GOOD
    assert post(body + b" " * (64 * 1024 - len(body) - 1) + b"}").status_code == 201


NOT_JSON = [
    "",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
]


def test_what_does_not_call_itself_json_is_refused(post, beat, subtests):
    for content_type in NOT_JSON:
        with subtests.test(content_type=content_type):
            answer = post(beat, content_type)
            assert answer.status_code == 415
            assert said(answer) == [("Content-Type", "json_only")]


JSON_BY_NAME = ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;"]


def test_json_may_be_called_by_any_of_its_names(post, beat, subtests):
    for content_type in JSON_BY_NAME:
        with subtests.test(content_type=content_type):
            assert post(beat, content_type).status_code == 201


def test_an_encoded_body_is_refused(post, beat):
    answer = post(beat, Content_Encoding="gzip")
    assert answer.status_code == 415
    assert said(answer) == [("Content-Encoding", "identity_only")]


def test_a_body_of_unknown_length_is_refused(post, beat):
    answer = post(beat, Transfer_Encoding="chunked")
    assert answer.status_code == 411
    assert said(answer) == [("Content-Length", "length_known")]


WRONG_METHODS = ["get", "put", "patch", "delete", "options", "head", "trace"]


def test_a_wrong_method_is_405_and_the_right_one_is_named(client, subtests):
    for method in WRONG_METHODS:
        with subtests.test(method=method):
            answer = getattr(client, method)("/api/heartbeat")
            assert answer.status_code == 405
            assert answer.headers["Allow"] == "POST"
            if method != "head":
                assert said(answer) == [(None, "method_not_allowed")]


NOWHERE = ["/api/", "/api/heartbeat/", "/api/nothing", "/api/\0", "/api/é"]


def test_a_path_that_is_not_there_is_refused_in_the_same_form(client, subtests):
    for path in NOWHERE:
        with subtests.test(path=path):
            answer = client.get(path)
            assert answer.status_code == 404
            assert said(answer) == [(None, "not_found")]


def test_a_host_that_is_not_ours_is_refused_in_the_same_form(client):
    answer = client.get("/api/assignment", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert said(answer) == [(None, "bad_request")]


def test_pages_keep_their_own_errors(client):
    assert client.get("/nothing").headers["Content-Type"].startswith("text/html")
