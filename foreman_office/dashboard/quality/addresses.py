"""The addresses of a test, and of its row in a run."""

from functools import cache
from urllib.parse import urlencode
from uuid import UUID

from django.urls import get_script_prefix, reverse

from kit.web.addresses import address_of

# Servers and proxies take 4,000 bytes or more; longer names are reached by the number of a result.
LONGEST = 3_000


def address_of_test(suite: str, name: str, result_id: int | None = None) -> str:
    """Return the address of a test; empty where the name is too long and no result is known."""
    asked = urlencode({"suite": suite, "name": name})
    if len(asked) > LONGEST:
        if result_id is None:
            return ""
        asked = urlencode({"result": result_id})
    return f"{_page_of_tests(get_script_prefix())}?{asked}"


@cache
def _page_of_tests(prefix: str) -> str:
    return reverse("governance:quality_test")


def row_address(run_id: UUID, result_id: int | None) -> str:
    """Return the address of a test's row in a run, which shows it alone, however many there are.

    Where the row is not kept, the run's.
    """
    run = address_of("governance:quality_run", run_id)
    return run if result_id is None else f"{run}?test={result_id}#t-{result_id}"
