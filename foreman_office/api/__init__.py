"""The HTTP API for builders and CI systems."""
