"""`foreman mcp`: the tools for an agent that speaks MCP over standard input and output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from foreman.builder import Builder
from foreman.errors import ForemanError
from foreman.office import VERSION
from foreman.tools import TOOLS, AgentTool, Arguments, Said, call

INSTRUCTIONS = (
    "You build a task that a Foreman Office has assigned to you. Read it with get_assignment, say"
    " what you do with report_progress, report each run of the suite with report_test_run, and end"
    " with claim_completion. When a decision is not yours, ask_foreman; when you cannot go on,"
    " escalate."
)
MOST_COMPLAINTS = 20


def serve(make_builder: Callable[[], Builder]) -> None:
    """Serve an agent until it closes the connection.

    The builder is made at the first call: what is wrong with it is told to the agent.
    """
    anyio.run(partial(_serve, make_builder))
    # A thread that still waits for a task keeps nothing that is not on disk: nobody waits for it.
    sys.stderr.flush()
    os._exit(0)


async def _serve(make_builder: Callable[[], Builder]) -> None:
    known = cache(make_builder)
    # One report after the other, as the agent sends them; a poll keeps nobody waiting.
    one = anyio.CapacityLimiter(1)

    async def list_tools(context: Any, parameters: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[described(tool) for tool in TOOLS.values()])

    async def call_tool(context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        tool = TOOLS.get(asked.name)
        if tool is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool “{asked.name}”.")
        work = partial(answer, known, tool, asked.arguments or {})
        limiter = None if tool.only_reads else one
        said = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)
        return result_of(said)

    server: Server[Any] = Server(
        "foreman-office",
        version=VERSION,
        title="Foreman Office",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def described(tool: AgentTool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.schema,
        annotations=types.ToolAnnotations(
            read_only_hint=tool.only_reads, destructive_hint=False, open_world_hint=False
        ),
    )


def answer(make_builder: Callable[[], Builder], tool: AgentTool, arguments: Arguments) -> Said:
    """Check the arguments and call the tool; wrong ones are an answer, which an agent can mend."""
    if wrong := complaints(tool, arguments):
        return Said("\n".join(wrong), {"errors": wrong}, is_error=True)
    try:
        builder = make_builder()
    except ForemanError as error:
        return Said(str(error), error.as_json(), is_error=True)
    return call(builder, tool, arguments)


def complaints(tool: AgentTool, arguments: Arguments) -> list[str]:
    """Return what is wrong with the arguments, a sentence each."""
    found = Draft202012Validator(tool.schema).iter_errors(dict(arguments))
    return [line for error in found for line in _sentences(tool, error)][:MOST_COMPLAINTS]


def _sentences(tool: AgentTool, error: ValidationError) -> list[str]:
    place = ".".join(map(str, error.absolute_path))
    if error.validator != "additionalProperties" or place:
        return [f"{place or 'The arguments'}: {error.message}."]
    takes = ", ".join(tool.properties)
    unknown = error.instance.keys() - tool.properties.keys()
    return [
        f"There is no argument “{name}”. {tool.name} takes: {takes}." for name in sorted(unknown)
    ]


def result_of(said: Said) -> types.CallToolResult:
    return types.CallToolResult(
        content=[types.TextContent(text=said.text)],
        structured_content=dict(said.content),
        is_error=said.is_error,
    )
