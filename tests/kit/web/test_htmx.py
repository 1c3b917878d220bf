"""What a page leaves behind when it is drawn."""

import gc
import weakref

import pytest
from django_htmx.middleware import HtmxDetails

from kit.web.htmx import render_page


class Row:
    """Something that a page shows."""

    def __str__(self):
        return "A row"


@pytest.fixture
def uncollected():
    """Disable the garbage collector: what is released is freed at once."""
    gc.disable()
    yield
    gc.enable()


def test_rows_go_with_the_page_that_showed_them(rf, uncollected):
    request = rf.get("/")
    request.htmx = HtmxDetails(request)
    row = Row()
    gone = weakref.ref(row)
    page = render_page(request, "components/empty.html", {"title": row})
    del row
    assert "A row" in page.text
    assert gone() is None
