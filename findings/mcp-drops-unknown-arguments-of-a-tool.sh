#!/usr/bin/env bash
# mcp (Python SDK): a misspelt argument of a tool is dropped without a word; of a prompt, it is an internal server error.
#
# One would expect: an argument that the tool does not have is refused, as a missing one is.
# What happens: the published input schema does not forbid further properties, and the server takes what it knows and
#   forgets the rest. The tool runs with its default and the agent is told that all is well. The same misspelling in
#   prompts/get ends in an error that names no argument.
# Versions: mcp 2.3.0 (PyPI).
# Why it matters: agents do misspell. A heartbeat with "tsak" instead of "task" is accepted as a heartbeat about nothing.
#   Tools that change something have to compare the names themselves.
# Reference: modelcontextprotocol/python-sdk issue 3067.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile mcp==2.3.0
cat > "$work/calls.py" <<'EOF'
import asyncio, importlib.metadata, sys
from mcp import Client, MCPError
from mcp.server import MCPServer

server = MCPServer("office")


@server.tool()
def beat(builder: str, task: str | None = None) -> str:
    return f"{builder} works on {task}"


@server.prompt()
def plan(task: str) -> str:
    return f"Plan {task}"


async def main():
    async with Client(server) as client:
        schema = (await client.list_tools()).tools[0].input_schema
        answer = await client.call_tool("beat", {"builder": "ada", "tsak": "T-7"})
        try:
            await client.get_prompt("plan", {"task": "T-7", "tsak": "T-8"})
            prompt = "answered"
        except MCPError as error:
            prompt = str(error)
    return ("additionalProperties" in schema, answer.is_error, answer.content[0].text, prompt)


seen = asyncio.run(main())
print("version: mcp", importlib.metadata.version("mcp"))
print("seen: (schema speaks of further properties, is an error, answer of the tool, answer of the prompt):", seen)
if seen != (False, False, "ada works on None", "Internal server error"):
    sys.exit("not as described: mcp has changed")
print("as expected by this finding")
EOF
"$work/venv/bin/python" "$work/calls.py" 2> /dev/null
