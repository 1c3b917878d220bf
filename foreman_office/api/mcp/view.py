"""The address /mcp: one message in a POST, one answer in JSON."""

from typing import Any
from urllib.parse import urlsplit

import mcp_types as types
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from mcp_types import jsonrpc

from foreman_office.api.callers import Bearer
from foreman_office.api.mcp import messages
from foreman_office.api.mcp.calling import called_tool, tool_list
from foreman_office.api.mcp.messages import Call, Wrong
from foreman_office.api.mcp.tools import TOOLS, Asked
from foreman_office.reports import MAX_BYTES
from kit.web.api import Problem, error, read_body, refuse, strict_json, unauthorized
from kit.web.large import one_at_a_time

SERVER = types.Implementation(name="foreman-office", title="Foreman Office", version="1")
CAPABILITIES = types.ServerCapabilities(tools=types.ToolsCapability())
INSTRUCTIONS = (
    "You build a task that this office has assigned to you. Read it with get_assignment, say what"
    " you do with report_progress, report each run of the suite with report_test_run, and end with"
    " claim_completion. When a decision is not yours, ask_foreman; when you cannot go on, escalate."
)
# A report of a test runner is an argument.
MEDIA = {"application/json": MAX_BYTES}


def mcp(request: HttpRequest) -> HttpResponse:
    """Answer a message of a builder; nothing is kept between two of them."""
    try:
        asked = allowed(request)
        content = read_body(request, MEDIA)
        with one_at_a_time(len(content)):
            return answer(asked, content)
    except Problem as problem:
        response = refuse(problem.status, error(problem.field, problem.rule, problem.message))
        if problem.status == 405:
            response.headers["Allow"] = "POST"
        return response


def allowed(request: HttpRequest) -> Asked:
    """Return who asks; raise what the transport forbids."""
    if not is_from_here(request):
        raise Problem(403, "Origin", "own_origin", "This page may not ask the office.")
    if request.method != "POST":
        message = "Send a POST: the office keeps no stream and no session."
        raise Problem(405, None, "method_not_allowed", message)
    name = Bearer()(request)
    if name is None:
        raise unauthorized()
    if not request.headers.get("Accept") or not request.accepts("application/json"):
        message = "Accept application/json and text/event-stream."
        raise Problem(406, "Accept", "not_acceptable", message)
    return Asked(request, name)


def is_from_here(request: HttpRequest) -> bool:
    """Return whether a request comes from no page, from one of the office's, or a trusted one.

    A page of a stranger could reach an office on this machine under a name of its own.
    """
    origin = request.headers.get("Origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    here = f"{request.scheme}://{request.get_host()}"
    return urlsplit(origin)[:2] == urlsplit(here)[:2]


def answer(asked: Asked, content: bytes) -> HttpResponse:
    """Execute a message; what is wrong with it is an error of the protocol."""
    version = request_id = None
    try:
        told = read_json(content)
        message = messages.read_message(told)
        request_id = message.id if message else None
        version = messages.version_of(told, asked.request.headers)
        if message is None:
            messages.check_unasked(told, version)
            return HttpResponse(status=202)
        call = messages.checked_call(told, version, asked.request.headers)
        return JsonResponse(messages.answered(call, execute_call(call, asked), SERVER))
    except Wrong as wrong:
        said = messages.refused(wrong, request_id)
        return JsonResponse(said, status=messages.http_status_of(wrong, version))


def read_json(content: bytes) -> Any:
    try:
        return strict_json(content)
    except Problem as problem:
        raise Wrong(jsonrpc.PARSE_ERROR, problem.message) from None


def execute_call(call: Call, asked: Asked) -> types.Result:
    match call.method:
        case "tools/call":
            tool = TOOLS.get(call.params.name)
            if tool is None:
                raise Wrong(jsonrpc.INVALID_PARAMS, f"There is no tool {call.params.name}.")
            arguments = call.params.arguments or {}
            asked.key = messages.idempotency_key(call, asked.request.headers)
            asked.digest = messages.call_digest(tool.name, arguments)
            return called_tool(tool, arguments, asked)
        case "tools/list":
            return tool_list()
        case "server/discover":
            return types.DiscoverResult(
                supported_versions=list(messages.MODERN),
                capabilities=CAPABILITIES,
                instructions=INSTRUCTIONS,
            )
        case "initialize":
            return types.InitializeResult(
                protocol_version=messages.offered(call.params.protocol_version),
                capabilities=CAPABILITIES,
                server_info=SERVER,
                instructions=INSTRUCTIONS,
            )
        case "ping":
            return types.EmptyResult()
    raise messages.not_found(call.method)
