"""A builder at the other end of the line."""

import json

import pytest

from builders import actions


@pytest.fixture
def token(builder):
    return actions.issue_token(builder, by=None)[1]


@pytest.fixture
def post(client, token):
    """Send a heartbeat, or whatever else, as the builder does."""

    def post(body, content_type="application/json", **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", **headers}
        return client.generic(
            "POST", "/api/heartbeat", content, headers=headers, CONTENT_TYPE=content_type
        )

    return post


@pytest.fixture
def beat():
    """The least that a builder can say."""
    return {"builder_id": "ui-builder", "status": "active"}
