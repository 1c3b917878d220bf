"""A large office of long names: every page of it, at a desk and on a phone."""

import threading
from collections import Counter
from http.cookies import SimpleCookie

import pytest
from django.core.signals import request_started
from django.db.backends.signals import connection_created

from kit.live.hub import hub
from programs.models import Task
from tests.browser.pages import pages
from tests.browser.test_access import expected, too_wide
from tests.database import inside
from tests.large import LONG
from tests.races import until

SIZES = [
    {"width": 320, "height": 568},
    {"width": 390, "height": 844},
    {"width": 1440, "height": 900},
]
GENEROUS = 60  # statements of one request, whatever it asks


@pytest.fixture
def addresses(transactional_db, live_server, large):
    """Connect to the office, and return the addresses to look at."""
    # Who listens stays in the database where it began to, which is that of all other tests.
    hub.close(hub.open([], 0))
    until(lambda: hub.listening)
    with inside(large[0]):
        task = Task.objects.filter(state=Task.State.IN_PROGRESS, name__endswith=LONG)[0]
        yield pages({"program": task.wave.program, "wave": task.wave, "task": task})


@pytest.fixture
def reader(addresses, browse, large, live_server):
    """Open pages as a viewer of the office."""

    def open_page(**options):
        page = browse(**options)
        cookies = [
            {"name": name, "value": cookie.value, "url": live_server.url}
            for name, cookie in SimpleCookie(large[1]).items()
        ]
        page.context.add_cookies(cookies)
        return page

    return open_page


@pytest.fixture
def statements():
    """Count the statements of each request to the live server, by its path."""
    counts, current = Counter(), threading.local()

    def begin(environ, **_):
        current.request = (
            f"{environ['PATH_INFO']}?{environ['QUERY_STRING']} {threading.get_ident()}"
        )
        counts[current.request] = 0

    def count(execute, *statement):
        if request := getattr(current, "request", None):
            counts[request] += 1
        return execute(*statement)

    def watch(connection, **_):
        if count not in connection.execute_wrappers:
            connection.execute_wrappers.append(count)

    request_started.connect(begin)
    connection_created.connect(watch)
    yield counts
    request_started.disconnect(begin)
    connection_created.disconnect(watch)


def test_every_page_fits_and_complains_of_nothing(reader, addresses, complaints, statements):
    page = reader()
    wide = []
    for address in addresses.values():
        page.goto(address)
        for size in SIZES:
            page.set_viewport_size(size)
            wide += too_wide(page)
    expected(complaints)
    assert not wide, "\n".join(wide)
    assert {request: count for request, count in statements.items() if count > GENEROUS} == {}
    assert sum(statements.values()) > len(addresses)
