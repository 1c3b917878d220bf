"""Talk to an office by a client of MCP that shares no code with the SDK: `other_client.py URL`.

A process of its own, because the library leaves streams open behind it.
"""

import asyncio
import json
import os
import sys

from chuk_mcp.protocol.messages.initialize.send_messages import send_initialize
from chuk_mcp.protocol.messages.tools.send_messages import send_tools_call, send_tools_list
from chuk_mcp.transports.http.http_client import http_client
from chuk_mcp.transports.http.parameters import StreamableHTTPParameters


async def talk(url, token):
    told = StreamableHTTPParameters(url=url, bearer_token=token, max_retries=0)
    async with http_client(told) as streams:
        begun = await send_initialize(*streams)
        listed = await send_tools_list(*streams)
        good = await send_tools_call(*streams, "report_progress", {"message": "hello"})
        wrong = await send_tools_call(*streams, "report_progress", {"mesage": "typo"})
        return {
            "server": begun.serverInfo.name,
            "version": begun.protocolVersion,
            "tools": [tool.name for tool in listed.tools],
            "failed": [bool(good.isError), bool(wrong.isError)],
            "said": wrong.content[0]["text"],
        }


if __name__ == "__main__":
    said = asyncio.run(talk(sys.argv[1], os.environ["FOREMAN_TOKEN"]))
    sys.stdout.write(json.dumps(said))
