"""Calling a tool: its arguments are checked, and whatever the office says is its result."""

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from django.http import HttpRequest
from pydantic import ValidationError

from foreman_office.api.mcp.tools import TOOLS, Asked, Tool
from foreman_office.api.schemas.claims import Met
from foreman_office.api.unmet import unmet_lines
from kit.core.acts import Refused
from kit.web.api import MAX_ERRORS, Problem, error, message_of

MOST_OF_A_LIST = 300_000  # milliseconds for which a client may keep the list of tools


def tool_list() -> types.ListToolsResult:
    return types.ListToolsResult(
        tools=[described_tool(tool) for tool in TOOLS.values()], ttl_ms=MOST_OF_A_LIST
    )


def described_tool(tool: Tool) -> types.Tool:
    schema = tool.takes.model_json_schema()
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema={
            k: v for k, v in schema.items() if k not in ("title", "description", "example")
        },
        annotations=types.ToolAnnotations(
            read_only_hint=tool.only_reads, destructive_hint=False, open_world_hint=False
        ),
    )


def called_tool(tool: Tool, arguments: Mapping[str, Any], asked: Asked) -> types.CallToolResult:
    """Call a tool. What is refused is a result, too: an agent can mend it."""
    try:
        answer = tool.call(asked, tool.takes.model_validate(dict(arguments)))
    except ValidationError as invalid:
        return refusal_result({"errors": complaints(tool, invalid)}, asked.request)
    except Problem as problem:
        return refusal_result(
            {"errors": [error(problem.field, problem.rule, problem.message)]}, asked.request
        )
    except Refused as refused:
        return refusal_result(
            {"errors": [error(None, refused.rule, refused.message)]}, asked.request
        )
    body = json.loads(answer.body)
    if answer.status >= 400:
        return refusal_result(body, asked.request)
    return types.CallToolResult(
        content=[types.TextContent(text=answer.body)], structured_content=body
    )


def complaints(tool: Tool, invalid: ValidationError) -> list[dict[str, Any]]:
    """Return what is wrong with the arguments, and which there are if one does not exist."""
    found, takes = [], ", ".join(tool.takes.model_fields)
    for wrong in invalid.errors(include_url=False)[:MAX_ERRORS]:
        message = message_of({**wrong})
        if wrong["type"] == "extra_forbidden" and len(wrong["loc"]) == 1:
            message = f"There is no such argument. {tool.name} takes: {takes}."
        found.append(error(".".join(map(str, wrong["loc"])) or None, wrong["type"], message))
    return found


def refusal_result(body: dict[str, Any], request: HttpRequest) -> types.CallToolResult:
    """Return a result that says why, and what meets each condition that is not met."""
    unmet = [Met(**each) for each in body.get("conditions", []) if not each["met"]]
    lines = ["Refused. What is missing:", *unmet_lines(unmet, request)]
    if not unmet:
        fields = [(each["field"], each["message"]) for each in body["errors"]]
        lines = [f"{field}: {message}" if field else message for field, message in fields]
    return types.CallToolResult(
        content=[types.TextContent(text="\n".join(lines))], structured_content=body, is_error=True
    )
