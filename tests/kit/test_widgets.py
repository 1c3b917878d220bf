import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.test import SimpleTestCase

from foreman_office.kit import widgets
from foreman_office.kit.widgets import PlainSelect, Renderer

NASTY = "<b>\"&'</b>"


class Everything(forms.Form):
    text = forms.CharField(label=NASTY, max_length=9, widget=forms.TextInput({"data-x": NASTY}))
    search = forms.CharField(widget=forms.SearchInput({"placeholder": " "}), disabled=True)
    number = forms.IntegerField(min_value=1)
    moment = forms.DateTimeField(widget=forms.DateTimeInput({"type": "datetime-local"}))
    secret = forms.CharField(widget=forms.HiddenInput)
    long = forms.CharField(widget=forms.Textarea({"rows": 2, "required": True, "cols": False}))
    one = forms.ChoiceField(choices=[("", "any"), (NASTY, NASTY), (3, "three")])
    grouped = forms.ChoiceField(choices=[("Some", [("a", "A"), ("b", "B")]), ("c", "C")])
    many = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B"), ("c", "C")])
    box = forms.BooleanField(help_text="Drawn by its template.")


FILLED = {
    "text": NASTY,
    "search": "",
    "number": "1000",
    "secret": NASTY,
    "long": f"\n{NASTY}",
    "one": NASTY,
    "grouped": "b",
    "many": ["a", "c"],
    "box": "on",
}


@pytest.mark.parametrize("data", [None, {}, FILLED], ids=["unbound", "empty", "filled"])
@pytest.mark.parametrize("name", Everything.base_fields)
def test_each_widget_is_drawn_as_its_template_draws_it(name, data):
    ours, theirs = (
        Everything(data, renderer=renderer)[name] for renderer in (Renderer(), DjangoTemplates())
    )
    for ours_drawn, theirs_drawn in [
        (str(ours), str(theirs)),
        (ours.label_tag(), theirs.label_tag()),
        (ours.label_tag(attrs={"class": "x"}), theirs.label_tag(attrs={"class": "x"})),
    ]:
        SimpleTestCase().assertHTMLEqual(ours_drawn, theirs_drawn)


@pytest.mark.parametrize("value", [None, "", NASTY, 3, "3", "unknown"])
def test_a_plain_select_is_drawn_as_a_select(value):
    choices = [("", "any"), (NASTY, NASTY), (3, "three")]
    plain, usual = (
        kind({"class": NASTY}, choices).render("one", value, {"id": "x", "required": True})
        for kind in (PlainSelect, forms.Select)
    )
    SimpleTestCase().assertHTMLEqual(plain, usual)


def test_a_text_area_keeps_the_line_end_that_its_text_begins_with():
    assert ">\n\nA</textarea>" in str(Everything({"long": "\nA"})["long"])


def test_a_label_without_a_field_to_point_to_is_its_words():
    plain = Everything(auto_id=False)["number"].label_tag()
    assert plain == "Number:"


def test_the_office_draws_its_forms_so():
    form = Everything()
    assert isinstance(form.renderer, Renderer)
    assert set(widgets.DRAWN) >= {
        field.field.widget.template_name for field in form if field.name != "box"
    }
