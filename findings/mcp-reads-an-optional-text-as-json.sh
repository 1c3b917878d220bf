#!/usr/bin/env bash
# mcp (Python SDK): a text is taken as it is for "str", and read as JSON first for "str | None".
#
# One would expect: making a text parameter optional changes nothing for a caller that gives it.
# What happens: for every type but plain str the server tries to decode a string as JSON. The text "null" becomes None
#   (that is, the argument was not given), and a text that is a JSON list or object is refused with "Input should be a
#   valid string", although it is one. Numbers and booleans in a text are left alone.
# Versions: mcp 2.3.0 (PyPI).
# Why it matters: a note, a report or a quoted answer of a program is often JSON. Adding a default to a parameter then
#   breaks callers that send such texts, and a task called "null" loses its name silently.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile mcp==2.3.0
cat > "$work/calls.py" <<'EOF'
import asyncio, importlib.metadata, sys
from mcp import Client
from mcp.server import MCPServer

server = MCPServer("office")


@server.tool()
def required(note: str) -> str:
    return repr(note)


@server.tool()
def optional(note: str | None = None) -> str:
    return repr(note)


async def main():
    seen = {}
    async with Client(server) as client:
        for text in ("null", '["a"]', "5"):
            for tool in ("required", "optional"):
                answer = await client.call_tool(tool, {"note": text})
                seen[text, tool] = "refused" if answer.is_error else answer.content[0].text
    return seen


seen = asyncio.run(main())
print("version: mcp", importlib.metadata.version("mcp"))
print("seen: (text, parameter) -> what the tool was given:", seen)
expected = {
    ("null", "required"): "'null'", ("null", "optional"): "None",
    ('["a"]', "required"): "'[\"a\"]'", ('["a"]', "optional"): "refused",
    ("5", "required"): "'5'", ("5", "optional"): "'5'",
}
if seen != expected:
    sys.exit("not as described: mcp has changed")
print("as expected by this finding")
EOF
"$work/venv/bin/python" "$work/calls.py" 2> /dev/null
