"""The SDK's own client and one other library talk to /mcp over HTTP."""

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from django.conf import settings
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from builders.actions import issue_token
from builders.models import Heartbeat
from foreman_office.api.mcp.tools import TOOLS
from tests.factories import BuilderFactory

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def token():
    return issue_token(BuilderFactory(), by=None)[1]


@pytest.mark.parametrize(("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")])
def test_the_sdks_client_speaks_both_eras(mode, version, live_server, token):
    headers = {"Authorization": f"Bearer {token}"}

    async def talk():
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{live_server.url}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                listed = await client.list_tools()
                good = await client.call_tool("report_progress", {"message": "hello"})
                wrong = await client.call_tool("report_progress", {"mesage": "typo"})
                with pytest.raises(MCPError, match="no tool"):
                    await client.call_tool("open_the_door", {})
                return client.protocol_version, listed.tools, good, wrong

    with ThreadPoolExecutor(1) as thread:  # the browser of other tests has a loop in this one
        spoken, tools, good, wrong = thread.submit(lambda: asyncio.run(talk())).result()
    assert (spoken, {tool.name for tool in tools}) == (version, {*TOOLS})
    assert (good.is_error, wrong.is_error) == (False, True)
    assert "mesage: There is no such argument." in wrong.content[0].text
    assert [beat.message for beat in Heartbeat.objects.all()] == ["hello"]


def test_a_client_that_shares_no_code_with_the_sdk(live_server, token):
    done = subprocess.run(
        [sys.executable, "-m", "tests.api.mcp.other_client", f"{live_server.url}/mcp"],
        env={**os.environ, "FOREMAN_TOKEN": token},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["server"], said["version"]) == ("foreman-office", "2025-06-18")
    assert {*said["tools"]} == {*TOOLS}
    assert said["failed"] == [False, True]
    assert "mesage: There is no such argument." in said["said"]
    assert [beat.message for beat in Heartbeat.objects.all()] == ["hello"]
