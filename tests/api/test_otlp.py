"""What agents export over OTLP is counted, for the task of its time, and never lost to a 4xx."""

import gzip
import json
from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.db.models import Sum
from django.test import Client
from django.utils.timezone import now
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)

from builders.actions import issue_ci_token, release_task
from builders.models import UsageHour, UsageRemark
from foreman_office.api.otlp import bodies
from foreman_office.api.usage import tasks_held
from tests.api.otlp_messages import (
    JSON,
    PROTOBUF,
    data_point,
    export,
    export_logs,
    metric,
    record,
    send,
    tokens,
)
from tests.database import as_administrator, without_triggers
from tests.scenes import past_the_rules, undone

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def used():
    rows = UsageHour.objects.counted().values_list("kind").annotate(sum=Sum("amount"))
    return {kind: total for kind, total in rows.order_by("kind") if total}


def histogram(name, total, **point):
    given = data_point(0, **point)
    given.pop("asInt")
    given |= {"count": "3", "sum": total, "bucketCounts": [], "explicitBounds": []}
    return {"name": name, "histogram": {"aggregationTemporality": 1, "dataPoints": [given]}}


USAGE = {
    "claude": (
        export(
            tokens(
                data_point(100, type="input"),
                data_point(20, type="output"),
                data_point(900, type="cacheRead"),
                data_point(50, type="cacheCreation"),
                data_point(3, type="something new"),
            ),
            metric("claude_code.cost.usage", data_point(0.75)),
            metric("claude_code.session.count", data_point(1)),
        ),
        {
            "input": 100, "output": 20, "cache_read": 900, "cache_write": 50, "other": 3,
            "cost": Decimal("0.75"),
        },
    ),
    "gemini, which counts what was cached twice": (
        export(
            metric(
                "gemini_cli.token.usage",
                data_point(100, type="input"),
                data_point(60, type="cache"),
                data_point(20, type="output"),
                data_point(7, type="thought"),
                data_point(2, type="tool"),
            ),
            # The same again by the conventions.
            histogram("gen_ai.client.token.usage", 100.0, gen_ai__token__type="input"),
            service="gemini-cli",
        ),
        {"input": 40, "cache_read": 60, "output": 20, "reasoning": 7, "tool": 2},
    ),
    "the conventions": (
        export(
            histogram("gen_ai.client.token.usage", 100.0, gen_ai__token__type="input"),
            histogram("gen_ai.client.token.usage", 20.0, gen_ai__token__type="output"),
            service="mine",
        ),
        {"input": 100, "output": 20},
    ),
}  # fmt: skip
LOGGED = {
    "claude": (
        record(
            "claude_code.api_request",
            event__name="api_request",
            model="claude-sonnet",
            input_tokens=100,
            output_tokens="20",
            cache_read_tokens="900",
            cost_usd="0.75",
            prompt="a secret",
        ),
        {"input": 100, "output": 20, "cache_read": 900, "cost": Decimal("0.75")},
    ),
    "gemini": (
        record(
            event__name="gemini_cli.api_response",
            model="gemini-pro",
            input_token_count=100,
            cached_content_token_count=60,
            output_token_count=20,
            thoughts_token_count=7,
            response_text="a secret",
        ),
        {"input": 40, "cache_read": 60, "output": 20, "reasoning": 7},
    ),
    "the conventions": (
        record(
            gen_ai__response__model="m", gen_ai__usage__input_tokens=9,
            gen_ai__usage__output_tokens=4, gen_ai__input__messages="a secret",
        ),
        {"input": 9, "output": 4},
    ),
    "no usage": (record("claude_code.user_prompt", prompt="a secret"), {}),
}  # fmt: skip


def test_usage_that_is_known_is_counted_once(token):
    for name, (body, expected) in USAGE.items():
        for content_type in (PROTOBUF, JSON):
            with undone():
                for packed in (False, True):  # the same again
                    answer = send(token, "metrics", body, content_type=content_type, packed=packed)
                    assert answer.status_code == 200, answer.content
                    assert answer.content.strip() in (b"", b"{}"), name
                assert used() == expected, name
    for name, (given, expected) in LOGGED.items():
        for content_type in (PROTOBUF, JSON):
            with undone():
                for _ in range(2):
                    answer = send(token, "logs", export_logs(given), content_type=content_type)
                    assert answer.status_code == 200, answer.content
                assert used() == expected, name


def test_a_log_tells_again_what_a_metric_tells(token):
    body, expected = LOGGED["claude"]
    send(token, "logs", export_logs(body))
    send(token, "metrics", export(tokens(data_point(101, type="input"))))
    send(token, "logs", export_logs(record("x", event__name="api_request", input_tokens=5)))
    assert used() == {"input": 101, "cost": expected["cost"]}
    send(token, "logs", export_logs(record("x", event__name="api_request", input_tokens=6,
                                           session__id="s-2")))  # fmt: skip
    assert used()["input"] == 107


def test_two_requests_of_one_moment_are_two(token):
    given = {"event__name": "api_request", "input_tokens": 5}
    twice = [record("x", **given, request_id=name) for name in ("a", "b", "b")]
    send(token, "logs", export_logs(*twice))
    assert used() == {"input": 10}


# --- what is not understood -----------------------------------------------------------------------

GOOD = data_point(100, type="input")
NOT_UNDERSTOOD = {
    "not known": metric("my.counter", data_point(1), data_point(2)),
    "new of a known agent": metric("claude_code.tokens.total", data_point(1), data_point(2)),
    "may fall": tokens(GOOD, GOOD, isMonotonic=False),
    "no temporality": tokens(GOOD, GOOD, temporality=0),
    "a gauge": {"name": "claude_code.token.usage", "gauge": {"dataPoints": [GOOD, GOOD]}},
    "no number": tokens(data_point(1) | {"asInt": "-5"}, data_point(1.0) | {"asDouble": "NaN"}),
    "no time": tokens(GOOD | {"timeUnixNano": "0"}, GOOD | {"timeUnixNano": str(2**64 - 1)}),
}


def test_what_is_not_understood_is_told_and_the_rest_is_counted(token):
    for name, bad in NOT_UNDERSTOOD.items():
        with undone():
            answer = send(token, "metrics", export(bad, tokens(GOOD)))
            assert answer.status_code == 200
            told = ExportMetricsServiceResponse.FromString(answer.content).partial_success
            assert told.rejected_data_points == 2, name
            assert bad["name"] in told.error_message
            assert used() == {"input": 100}, name
            remark = UsageRemark.objects.filter(builder="ui-builder", subject=bad["name"])
            assert remark.exists(), name


def test_of_json_each_metric_is_read_by_itself(token):
    wrong = tokens(GOOD | {"asInt": "many"})
    answer = send(token, "metrics", export(wrong, tokens(GOOD)), content_type=JSON)
    assert answer.json()["partialSuccess"] == {
        "rejectedDataPoints": "1",
        "errorMessage": "claude_code.token.usage: It is not as OTLP has it.",
    }
    assert used() == {"input": 100}
    bad, good = record(input_tokens=1), record("claude_code.api_request", input_tokens=7)
    bad["timeUnixNano"] = {"never": 1}
    answer = send(token, "logs", export_logs(bad, good), content_type=JSON)
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"


def test_a_record_with_unusable_counts_is_told(token):
    given = record("claude_code.api_request", input_tokens="many", output_tokens=7)
    assert send(token, "logs", export_logs(given)).status_code == 200
    assert used() == {"output": 7}
    assert UsageRemark.objects.get().reason == "No usable number: input_tokens."


def test_no_word_of_a_log_is_kept(token, sql):
    for given, _ in LOGGED.values():
        send(token, "logs", export_logs(given))
    for table in ("sessions", "series", "points", "hours", "remarks"):
        assert "secret" not in str(sql(f"SELECT to_jsonb(t)::text FROM usage_{table} AS t"))


# --- bodies and callers ---------------------------------------------------------------------------


def test_a_body_that_cannot_be_read_is_refused(token, monkeypatch):
    monkeypatch.setattr(bodies, "MAX_BODY", 5000)
    monkeypatch.setattr(bodies, "MAX_UNPACKED", 5000)
    zipped = {"Content-Encoding": "gzip"}
    cases = [
        (400, {"body": b"\xff\xff", "content_type": PROTOBUF}),
        (400, {"body": b"{", "content_type": JSON}),
        (400, {"body": b"[" * 4000, "content_type": JSON}),
        (400, {"body": b"no gzip", **zipped}),
        (400, {"body": gzip.compress(b"1" * 50)[:-5], **zipped}),
        (400, {"body": gzip.compress(b"") * 101, **zipped}),
        (413, {"body": b"1" * 5001}),
        (413, {"body": gzip.compress(b"1" * 5001), **zipped}),
        (413, {"body": gzip.compress(b"1" * 3000) * 2, **zipped}),
        (415, {"body": b"", "Content-Encoding": "br"}),
        (415, {"body": b"", "content_type": "text/plain"}),
        (411, {"body": b"x", "Transfer-Encoding": "chunked"}),
    ]
    for status, case in cases:
        answer = send(token, "metrics", **case)
        assert answer.status_code == status, (case, answer.content)
    for body, told in [([], {}), ({"resourceMetrics": 5}, {}), ({"resourceMetrics": [5]}, {})]:
        answer = send(token, "metrics", json.dumps(body).encode(), content_type=JSON)
        assert (answer.status_code, answer.json()) == (200, told)


def test_a_body_in_chunks_is_read_up_to_where_the_server_ends_it(token, monkeypatch):
    """Exporters that pack send no length. The test client cannot, so its input is replaced."""
    content = gzip.compress(json.dumps(export(tokens(GOOD))).encode())
    headers = {"Authorization": f"Bearer {token}", "Content-Encoding": "gzip"}
    headers |= {"Transfer-Encoding": "chunked"}
    for limit, status in ((len(content), 200), (len(content) - 1, 413)):
        monkeypatch.setattr(bodies, "MAX_BODY", limit)
        sent = {"wsgi.input": BytesIO(content), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
        answer = Client().generic(
            "POST", "/otlp/v1/metrics", b"x", content_type=JSON, headers=headers, **sent
        )
        assert answer.status_code == status
    assert used() == {"input": 100}


def test_only_a_builder_sends(token):
    body = export(tokens(GOOD))
    assert send("wrong", "metrics", body).status_code == 401
    assert send(issue_ci_token("ci", by=None)[1], "logs", export_logs()).status_code == 403
    assert Client().get("/otlp/v1/metrics").status_code == 401
    answer = Client().get("/otlp/v1/logs", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


# --- for which task -------------------------------------------------------------------------------


def test_a_point_is_of_the_task_that_the_builder_had_at_its_time(held, builder, token):
    """By the evidence of assignments: also after the task was given up, for a minute more."""

    def held_at(*minutes):
        moments = [int((now() + each * MINUTE).timestamp() * 10**9) for each in minutes]
        found = tasks_held("ui-builder", moments, None)
        return [found[moment] for moment in moments]

    def happened(minutes):
        """Date the evidence of this transaction so many minutes back."""
        with without_triggers():
            as_administrator(
                "UPDATE evidence_trail SET timestamp = now() - %s WHERE timestamp = now()",
                minutes * MINUTE,
            )

    past_the_rules(builder, assigned_at=now() - 10 * MINUTE)
    happened(10)
    assert held_at(-11, -9, 0) == [None, held.pk, held.pk]
    release_task(held, by=None)
    happened(5)
    assert held_at(-11, -9, -4.5, -3.5, 0) == [None, held.pk, held.pk, None, None]
    points = [data_point(2, at=at * 60, type="input") for at in (-9, -1)]
    send(token, "metrics", export(tokens(*points)))
    assert {*UsageHour.objects.values_list("task", "amount")} == {(held.pk, 2), (None, 2)}
