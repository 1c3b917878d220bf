import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from tests.factories import UserFactory


@pytest.fixture
def admin_user(db):
    return UserFactory(username="carol", is_staff=True, is_superuser=True)


@pytest.fixture
def office(client, admin_user):
    """The admin as a superuser sees it: `client` with a few words for its pages."""
    client.force_login(admin_user)
    return Office(client)


class Office:
    def __init__(self, client):
        self.client = client

    def url(self, what, page, *args):
        opts = what._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)

    def list(self, model, **query):
        return self.client.get(self.url(model, "changelist"), query)

    def open(self, row):
        return self.client.get(self.url(row, "change", row.pk))

    def add(self, model, **values):
        """Open the add form, fill in what is given and save."""
        return self.save(self.url(model, "add"), values)

    def change(self, row, **values):
        """Open the change form, leave everything as it is but what is given, and save."""
        return self.save(self.url(row, "change", row.pk), values)

    def save(self, url, values):
        page = self.client.get(url)
        assert page.status_code == 200
        return self.client.post(url, posted(page) | values)

    def delete(self, row, **values):
        """Request the deletion of a row, and confirm it."""
        question = self.client.get(self.url(row, "delete", row.pk))
        return self.confirm(question, **values)

    def confirm(self, question, **values):
        address = question.request["PATH_INFO"]
        return self.client.post(address, {"post": "yes"} | shown_by(question) | values)

    def act(self, model, action, rows, **more):
        selected = [str(row.pk) for row in rows]
        data = {"action": action, "_selected_action": selected, **more}
        return self.client.post(self.url(model, "changelist"), data)

    def delete_selected(self, model, rows, **values):
        """Request the deletion of rows of a list, and confirm it."""
        question = self.act(model, "delete_selected", rows)
        shown = shown_by(question) | values
        return self.act(model, "delete_selected", rows, post="yes", **shown)


def shown_by(question):
    """Return what a question to delete sends along of what it showed."""
    return dict(re.findall(r'name="(shown)" value="(\w*)"', question.text))


def posted(page):
    """Return what a browser would post from the page's forms, untouched."""
    data = {}
    form = page.context["adminform"].form
    inlines = [inline.formset for inline in page.context["inline_admin_formsets"]]
    forms = [form, *(part for formset in inlines for part in [formset.management_form, *formset])]
    for bound in (field for part in forms for field in part):
        value = bound.value()
        widgets = getattr(bound.field.widget, "widgets", None)
        if widgets:  # a time is two inputs
            parts = bound.field.widget.decompress(value)
            names = bound.field.widget.widgets_names
            data |= {
                bound.html_name + name: widget.format_value(part) or ""
                for name, widget, part in zip(names, widgets, parts, strict=True)
            }
        elif getattr(bound.field.widget, "allow_multiple_selected", False):
            data[bound.html_name] = [str(item) for item in value or []]
        else:
            shown = bound.field.widget.format_value(value) if value is not None else ""
            data[bound.html_name] = (shown[0] if isinstance(shown, list) else shown) or ""
    # A browser ends lines its own way.
    return {
        name: value.replace("\n", "\r\n") if isinstance(value, str) else value
        for name, value in data.items()
    }


def errors(page):
    """Return the sentences of a form that came back."""
    assert page.status_code == 200, page.status_code
    return [str(error) for found in page.context["errors"] for error in found]


def shows(page, text):
    return escape(text) in page.content.decode()
