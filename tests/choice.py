"""Which tests are of the web part, which stay together on one worker, and which come first.

The web part is every test that is answered by a page or by the API: it asks for a client or a live
server, or makes clients itself. `make pooled` runs it a second time, with PgBouncer in transaction
mode between the office and its database.
"""

import os
from pathlib import Path

import pytest
from _pytest.nodeid import NodeId
from django.core.signals import request_started
from django.test import Client

TESTS = Path(__file__).parent

# What is left out of the web part, and why.
NOT_OF_THE_WEB = {
    "faults/": "real offices; two of them are behind a pooler there",
    "platform/": "real offices, whose processes are what is looked at",
    "plans/": "the plans of queries, which a pooler does not see",
    "test_unavailable.py": "time limits of one session, which no pooler lends",
    "browser/test_access.py": "how pages look, which other tests ask for what they say",
    "browser/test_large.py": "the same",
    "browser/test_looks.py": "the same",
}
# Fixtures that are dear to set up: whoever asks for the same one stays together.
DEAR = ("staffed", "large", "watched_office", "backed_up")
# Servers and browsers first: they wait a lot, and the small tests fill what they leave of the time.
FIRST = ("faults", "test_bench.py", "plans", "platform", "browser")


def pytest_xdist_auto_num_workers():
    """Have one worker more than processors, for the time in which others wait."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items):
    for item in items:
        name_for_the_workers(item)
        if is_of_the_web(item):
            item.add_marker(pytest.mark.web)
    yield
    items.sort(key=lambda item: FIRST.index(place(item)) if place(item) in FIRST else len(FIRST))


def name_for_the_workers(item):
    """Give a test the id by which xdist hands it out: one for each, with its group behind an @.

    Schemathesis gives all cases of a test one id, of which workers would run one case. xdist's own
    mark sets what pytest no longer reads (`_nodeid`).
    """
    if item.name not in item.nodeid:
        item._id = item.parent.id.child(item.name)
    if item.config.getoption("loadgroup", False):
        for dear in {*DEAR} & {*item.fixturenames}:
            item._id = NodeId.parse(f"{item.nodeid}@{dear}")


def place(item) -> str:
    """Return the folder of a test, or its file if it lies in none."""
    return item.path.relative_to(TESTS).parts[0]


def is_left_out(item) -> bool:
    return item.path.relative_to(TESTS).as_posix().startswith((*NOT_OF_THE_WEB,))


def is_of_the_web(item) -> bool:
    asks = {"client", "live_server"} & {*item.fixturenames} or Client in vars(item.module).values()
    return bool(asks) and not is_left_out(item)


@pytest.fixture(autouse=True)
def web(request):
    """See that nothing is served in a test that is not known to be of the web part."""

    def served(**_):
        assert request.node.get_closest_marker("web"), "served outside of the web part"

    if is_left_out(request.node):
        yield
        return
    request_started.connect(served)
    yield
    request_started.disconnect(served)
