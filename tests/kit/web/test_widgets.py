import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.test import SimpleTestCase
from django.utils.safestring import mark_safe

from kit.web.widgets import DRAWN, PlainRenderer, PlainSelect

NASTY = "<b>\"&'</b>"
VALUES = [None, "", NASTY, mark_safe(NASTY), 3, "3", True, False, "unknown"]
GROUPS = [
    ("", "any"),
    (NASTY, NASTY),
    (3, mark_safe("<i>")),
    ("Group <1>", [("a", "A"), (3, "three")]),
    (None, "none"),
]
FIELDS = [
    *(forms.TextInput(), forms.NumberInput(), forms.HiddenInput(), forms.DateInput()),
    *(forms.DateTimeInput(), forms.EmailInput(), forms.URLInput(), forms.CheckboxInput()),
    *(forms.Textarea({"rows": 2}), forms.Select(choices=GROUPS)),
]


@pytest.mark.parametrize("value", [None, "", NASTY, 3, "3", "unknown"])
def test_a_plain_select_is_drawn_as_a_select(value):
    choices = [("", "any"), (NASTY, NASTY), (3, "three")]
    plain, usual = (
        kind({"class": NASTY}, choices).render("one", value, {"id": "x", "required": True})
        for kind in (PlainSelect, forms.Select)
    )
    SimpleTestCase().assertHTMLEqual(plain, usual)


def test_each_field_is_drawn_as_by_djangos_templates_but_for_empty_lines():
    attrs = {"id": NASTY, "required": True, "disabled": False, "title": mark_safe("<u>")}
    for field in FIELDS:
        for value in VALUES:
            for name in ("one", NASTY):
                ours, djangos = (
                    field.render(name, value, attrs, renderer())
                    for renderer in (PlainRenderer, DjangoTemplates)
                )
                assert ours == djangos.replace("\n\n", "\n")
    assert {field.template_name for field in FIELDS} == DRAWN.keys()
    for field in (forms.RadioSelect(choices=GROUPS), forms.SplitDateTimeWidget()):
        ours, djangos = (
            field.render("one", None, attrs, renderer())
            for renderer in (PlainRenderer, DjangoTemplates)
        )
        assert ours == djangos
