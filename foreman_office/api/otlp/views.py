"""The two addresses that take exports: metrics and log records."""

import json
from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from foreman_office.api.callers import Bearer, organisation_of
from foreman_office.api.otlp.bodies import JSON, parse, read_export
from foreman_office.api.otlp.logs import read_logs
from foreman_office.api.otlp.metrics import read_metrics
from foreman_office.api.otlp.reading import Reading
from foreman_office.api.usage import count_points
from kit.runtime.database.members import as_office
from kit.web.api import Problem, unauthorized
from kit.web.large import one_at_a_time

Export = Callable[[HttpRequest, str], HttpResponse]


def endpoint(export: Export) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that takes exports of builders alone, and refuses as OTLP has it."""

    def respond(request: HttpRequest) -> HttpResponse:
        try:
            builder = Bearer()(request)
            if builder is None:
                raise unauthorized()
            if request.method != "POST":
                raise Problem(405, None, "method_not_allowed", "Send this with POST.")
            return export(request, builder)
        except Problem as problem:
            return refused_as_status(request, problem)

    return respond


@endpoint
def otlp_metrics(request: HttpRequest, builder: str) -> HttpResponse:
    content = read_export(request)
    reading = Reading()
    with one_at_a_time(len(content)):
        sent = parse(content, request.content_type or "", ExportMetricsServiceRequest, reading)
        read_metrics(sent.resource_metrics, reading)
    count_export(request, builder, reading)
    answer = ExportMetricsServiceResponse()
    if reading.remarks:
        answer.partial_success.rejected_data_points = reading.rejected
        answer.partial_success.error_message = reading.sentence
    return respond_with(request, answer)


@endpoint
def otlp_logs(request: HttpRequest, builder: str) -> HttpResponse:
    content = read_export(request)
    reading = Reading()
    with one_at_a_time(len(content)):
        sent = parse(content, request.content_type or "", ExportLogsServiceRequest, reading)
        read_logs(sent.resource_logs, reading)
    count_export(request, builder, reading)
    answer = ExportLogsServiceResponse()
    if reading.remarks:
        answer.partial_success.rejected_log_records = reading.rejected
        answer.partial_success.error_message = reading.sentence
    return respond_with(request, answer)


def count_export(request: HttpRequest, builder: str, reading: Reading) -> None:
    """Count what an export told, as the office: it keeps the points of all."""
    with as_office():
        count_points(
            builder, reading.points, reading.remarks, organisation=organisation_of(request)
        )


# --- answers --------------------------------------------------------------------------------------


def respond_with(request: HttpRequest, answer: Message) -> HttpResponse:
    """Answer with a message, in the form in which the request came."""
    if request.content_type == JSON:
        return HttpResponse(json_format.MessageToJson(answer), content_type=JSON)
    return HttpResponse(answer.SerializeToString(), content_type=request.content_type)


def refused_as_status(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer with google.rpc.Status, whose second field is a sentence."""
    response: HttpResponse
    if request.content_type == JSON:
        text = json.dumps({"message": problem.message})
        response = HttpResponse(text, content_type=JSON, status=problem.status)
    else:
        sentence = problem.message.encode()[:16_000]
        length = bytes([len(sentence) & 127 | 128, len(sentence) >> 7])
        response = HttpResponse(
            b"\x12" + length + sentence,
            content_type="application/x-protobuf",
            status=problem.status,
        )
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if problem.status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = "POST"
    return response
