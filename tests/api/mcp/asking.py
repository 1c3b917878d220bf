"""An agent that sends messages of MCP to the office, of either era."""

import json

from django.test import Client
from mcp_types import CLIENT_CAPABILITIES_META_KEY, PROTOCOL_VERSION_META_KEY

MODERN, HANDSHAKE = "2026-07-28", "2025-11-25"
ACCEPT = "application/json, text/event-stream"


class Agent:
    def __init__(self, token):
        self.token = token

    def send(self, body, *, method="POST", content_type="application/json", **headers):
        """Send a body; a header that is None is left out."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Accept": ACCEPT, "Authorization": f"Bearer {self.token}", **headers}
        headers = {
            name.replace("_", "-"): value for name, value in told.items() if value is not None
        }
        return Client().generic(method, "/mcp", content, content_type=content_type, headers=headers)

    def modern(self, method, params=None, *, name=None, **headers):
        """Send a request as the revision 2026-07-28 has it."""
        told = {
            "MCP_Protocol_Version": MODERN,
            "Mcp_Method": method,
            "Mcp_Name": name or (params or {}).get("name"),
        }
        return self.send(modern(method, params), **{**told, **headers})

    def handshake(self, method, params=None, **headers):
        """Send a request as the revision 2025-11-25 has it."""
        told = {"MCP_Protocol_Version": HANDSHAKE, **headers}
        return self.send(
            {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}, **told
        )

    def use(self, tool, *, key=None, **arguments):
        """Call a tool; return its text, its content, and whether it failed."""
        params = {"name": tool, "arguments": arguments}
        answer = self.modern("tools/call", params, Idempotency_Key=key)
        assert answer.status_code == 200, answer.content
        said = answer.json()["result"]
        return said["content"][0]["text"], said["structuredContent"], said.get("isError", False)


def modern(method, params=None, **meta):
    told = {PROTOCOL_VERSION_META_KEY: MODERN, CLIENT_CAPABILITIES_META_KEY: {}, **meta}
    kept = {key: value for key, value in told.items() if value is not None}
    return {
        "jsonrpc": "2.0",
        "id": 7,
        "method": method,
        "params": {**(params or {}), "_meta": kept},
    }
