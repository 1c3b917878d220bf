"""Fixtures of the builders' tests: a builder that sends requests, as in the API's tests."""

from tests.api.conftest import beat, post, token  # noqa: F401
