"""The messages at /mcp: both eras, and each answer that the specification asks for."""

import mcp_types as types
import pytest
from mcp.shared.inbound import InboundLadderRejection, classify_inbound_request
from mcp_types import jsonrpc
from mcp_types.methods import parse_server_result

from builders.actions import issue_ci_token
from foreman_office.api.mcp.tools import TOOLS
from tests.api.mcp.asking import HANDSHAKE, MODERN, Agent, modern

pytestmark = pytest.mark.django_db


def code(answer):
    return answer.json()["error"]["code"]


def test_the_newer_era_discovers_lists_and_calls(agent):
    found = agent.modern("server/discover").json()["result"]
    told = parse_server_result("server/discover", MODERN, found)
    assert (told.supported_versions, told.capabilities.tools) == ([MODERN], types.ToolsCapability())
    assert found["_meta"][types.SERVER_INFO_META_KEY]["name"] == "foreman-office"
    assert "get_assignment" in told.instructions

    listed = parse_server_result("tools/list", MODERN, agent.modern("tools/list").json()["result"])
    assert {tool.name for tool in listed.tools} == {*TOOLS}
    assert listed.cache_scope == "private"

    text, content, failed = agent.use("get_assignment")
    assert (content["task"], failed, content["builder_id"]) == (None, False, "ui-builder")
    assert '"builder_id":"ui-builder"' in text


def test_the_older_era_shakes_hands_and_calls_without_a_session(agent):
    params = {"capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
    cases = {
        HANDSHAKE: HANDSHAKE,
        "2025-06-18": "2025-06-18",
        "2024-11-05": HANDSHAKE,
        "9": HANDSHAKE,
    }
    for asked, offered in cases.items():
        body = {**params, "protocolVersion": asked}
        answer = agent.handshake("initialize", body, MCP_Protocol_Version=None)
        assert "Mcp-Session-Id" not in answer.headers
        assert answer.json()["result"]["protocolVersion"] == offered
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    answer = agent.send(ready, MCP_Protocol_Version=HANDSHAKE)
    assert (answer.status_code, answer.content) == (202, b"")
    assert agent.handshake("ping").json() == {"jsonrpc": "2.0", "id": 7, "result": {}}

    listed = agent.handshake("tools/list").json()["result"]
    assert {tool["name"] for tool in listed["tools"]} == {*TOOLS}
    said = agent.handshake("tools/call", {"name": "report_progress", "arguments": {"message": "a"}})
    assert said.json()["result"]["structuredContent"]["interval_seconds"]
    # A client older than the header.
    assert "result" in agent.handshake("tools/list", MCP_Protocol_Version=None).json()
    # An answer, which nobody asked for, is taken and dropped.
    answer = {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert agent.send(answer, MCP_Protocol_Version=HANDSHAKE).status_code == 202
    assert agent.send(answer, MCP_Protocol_Version=MODERN).status_code == 400


def test_both_eras_list_the_same_arguments(agent):
    """The SDK's shapes of the older era keep what JSON Schema says of unknown arguments."""
    newer = agent.modern("tools/list").json()["result"]["tools"]
    older = agent.handshake("tools/list").json()["result"]["tools"]
    schemas = [{tool["name"]: tool["inputSchema"] for tool in each} for each in (newer, older)]
    assert schemas[0] == schemas[1]
    assert all(schema["additionalProperties"] is False for schema in schemas[0].values())
    for tool in newer:
        assert "Call it" in tool["description"] or len(tool["description"]) > 80


def test_what_the_transport_forbids(agent, settings, ci):
    wrong = "https://evil.example"
    cases = [
        ({"method": "GET"}, 405),
        ({"method": "DELETE"}, 405),
        ({"Origin": wrong}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": wrong, "method": "GET"}, 403),
        ({"Origin": "http://testserver:8000"}, 403),
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer fo_wrong"}, 401),
        ({"Authorization": f"Bearer {ci}"}, 403),
        ({"Accept": None}, 406),
        ({"Accept": "text/html"}, 406),
        ({"content_type": "text/plain"}, 415),
        ({"Origin": "http://testserver"}, 200),
        ({"Origin": "https://trusted.example"}, 200),
        ({"Accept": "*/*"}, 200),
    ]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example"]
    for told, status in cases:
        answer = agent.send(
            modern("tools/list"),
            **{"MCP_Protocol_Version": MODERN, "Mcp_Method": "tools/list", **told},
        )
        assert answer.status_code == status, (told, answer.content)
        if status == 405:
            assert answer.headers["Allow"] == "POST"
        if status == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.fixture
def ci(db):
    return issue_ci_token("pipeline", by=None)[1]


def test_what_is_no_message(agent):
    request = modern("tools/list")
    cases = [
        (b"{", jsonrpc.PARSE_ERROR),
        (b"\xff", jsonrpc.PARSE_ERROR),
        (b'{"a": 1, "a": 2}', jsonrpc.PARSE_ERROR),
        (b"[" * 100_000, jsonrpc.PARSE_ERROR),
        ([request], jsonrpc.INVALID_REQUEST),
        ("text", jsonrpc.INVALID_REQUEST),
        ({**request, "jsonrpc": "1.0"}, jsonrpc.INVALID_REQUEST),
        ({**request, "id": None}, jsonrpc.INVALID_REQUEST),
        ({**request, "id": 1.5}, jsonrpc.INVALID_REQUEST),
        ({**request, "method": 3}, jsonrpc.INVALID_REQUEST),
        ({**request, "params": [1]}, jsonrpc.INVALID_REQUEST),
    ]
    for body, expected in cases:
        for version in (MODERN, HANDSHAKE, None):
            answer = agent.send(body, MCP_Protocol_Version=version)
            assert (answer.status_code, code(answer)) == (400, expected), body
            assert answer.json()["id"] is None


def test_a_revision_that_is_not_supported_is_answered_with_those_that_are(agent):
    for version in ("1900-01-01", "2024-11-05", "", "2026-07-28, 2026-07-28"):
        body = modern("tools/list", **{types.PROTOCOL_VERSION_META_KEY: version})
        answer = agent.send(body, MCP_Protocol_Version=version, Mcp_Method="tools/list")
        assert (answer.status_code, code(answer)) == (400, jsonrpc.UNSUPPORTED_PROTOCOL_VERSION)
        said = answer.json()
        assert said["id"] == 7
        assert said["error"]["data"]["requested"] == version
        assert {MODERN, HANDSHAKE} <= {*said["error"]["data"]["supported"]}


def test_headers_and_body_of_the_newer_era_are_judged_as_by_the_sdk(agent):
    """Each case gets the verdict of the SDK's own server."""
    call = {"name": "get_assignment", "arguments": {}}
    good = {
        "MCP-Protocol-Version": MODERN,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "get_assignment",
    }
    encoded = "=?base64?Z2V0X2Fzc2lnbm1lbnQ=?="
    cases = [
        (modern("tools/call", call), good),
        (modern("tools/call", call), {**good, "Mcp-Name": encoded}),
        (modern("tools/call", call), {**good, "Mcp-Name": "=?base64?Z2V0X2Fzc2lnbm1lbnQ?="}),
        (modern("tools/call", call), {**good, "Mcp-Name": "=?base64?/w==?="}),
        (modern("tools/call", call), {**good, "Mcp-Name": "escalate"}),
        (modern("tools/call", call), {**good, "Mcp-Name": None}),
        (modern("tools/call", call), {**good, "Mcp-Method": "tools/list"}),
        (modern("tools/call", call), {**good, "Mcp-Method": None}),
        (modern("tools/call", call), {**good, "MCP-Protocol-Version": None}),
        (modern("tools/call", call, **{types.PROTOCOL_VERSION_META_KEY: "2027-01-01"}), good),
        (modern("tools/call", call, **{types.PROTOCOL_VERSION_META_KEY: None}), good),
        (modern("tools/call", call, **{types.PROTOCOL_VERSION_META_KEY: 3}), good),
        (modern("tools/call", call, **{types.CLIENT_CAPABILITIES_META_KEY: None}), good),
        ({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": call}, good),
        ({"jsonrpc": "2.0", "id": 7, "method": "tools/call"}, good),
        (modern("tools/call", call), {**good, "MCP-Protocol-Version": HANDSHAKE}),
    ]
    for body, headers in cases:
        kept = {name.lower(): value for name, value in headers.items() if value is not None}
        verdict = classify_inbound_request(body, headers=kept)
        answer = agent.send(body, **headers)
        if isinstance(verdict, InboundLadderRejection):
            assert (answer.status_code, code(answer)) == (400, verdict.code), (body, headers)
        else:
            assert answer.status_code == 200, (body, headers, answer.content)
            assert "result" in answer.json()


def test_an_unknown_method_or_tool_is_an_error_of_the_protocol(agent):
    for method in ("resources/list", "subscriptions/listen", "initialize", "no/such"):
        answer = agent.modern(method, {"notifications": {}})
        assert (answer.status_code, code(answer)) == (404, jsonrpc.METHOD_NOT_FOUND), method
    for method in ("resources/list", "server/discover", "no/such"):
        answer = agent.handshake(method)
        assert (answer.status_code, code(answer)) == (200, jsonrpc.METHOD_NOT_FOUND), method
    for params in (
        {"name": "open_the_door"},
        {"arguments": {}},
        {"name": "escalate", "arguments": []},
    ):
        answer = agent.modern("tools/call", params)
        assert (answer.status_code, code(answer)) == (400, jsonrpc.INVALID_PARAMS), params
        answer = agent.handshake("tools/call", params)
        assert (answer.status_code, code(answer)) == (200, jsonrpc.INVALID_PARAMS), params


def test_a_revoked_token_is_refused_at_once(agent, builder):
    assert agent.modern("tools/list").status_code == 200
    builder.tokens.all().delete()
    assert agent.modern("tools/list").status_code == 401
    assert Agent("").modern("tools/list").status_code == 401
