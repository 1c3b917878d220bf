"""The refusals of the API."""

import uuid

UNKNOWN = str(uuid.UUID(int=0))
ID = "7b1f6a52-9d0e-4f0b-8f57-0d4a3f4c2b11"


def short(part):
    return ascii(part)[:40]


def said(answer):
    """Return a refusal as pairs of field and rule, after a check of its form."""
    assert answer.headers["Content-Type"] == "application/json"
    assert list(answer.json()) == ["errors"]
    for error in answer.json()["errors"]:
        assert set(error) == {"field", "rule", "message"}
        assert error["message"]
    return [(error["field"], error["rule"]) for error in answer.json()["errors"]]
