import pytest
from django import forms
from django.test import SimpleTestCase

from kit.web.widgets import PlainSelect

NASTY = "<b>\"&'</b>"


@pytest.mark.parametrize("value", [None, "", NASTY, 3, "3", "unknown"])
def test_a_plain_select_is_drawn_as_a_select(value):
    choices = [("", "any"), (NASTY, NASTY), (3, "three")]
    plain, usual = (
        kind({"class": NASTY}, choices).render("one", value, {"id": "x", "required": True})
        for kind in (PlainSelect, forms.Select)
    )
    SimpleTestCase().assertHTMLEqual(plain, usual)
