"""The base of the pages, the admin and the API."""
