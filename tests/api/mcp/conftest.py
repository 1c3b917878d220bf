"""Fixtures of the tests of MCP: an agent with a builder's token."""

import pytest

from builders.actions import issue_token
from tests.api.mcp.asking import Agent


@pytest.fixture
def agent(builder):
    return Agent(issue_token(builder, by=None)[1])
