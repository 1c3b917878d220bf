"""Tags of every template: recorded texts, paths, live parts, buttons.

The library is a builtin of the template engine, so no template loads it. What stands in every row
is put together as text, which takes a tenth of the time of a template; each value is escaped.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kit.web.decision_forms import ActionButton
from kit.web.templatetags.sending import form_secrets

register = template.Library()


@register.filter
def criterion(line: str) -> str:
    """Return a line of acceptance criteria without its list sign: the page has its own."""
    return line.strip().removeprefix("- ").removeprefix("* ")


ADDRESS = re.compile(r"https://\S+")


@register.filter
def recorded(text: str | None) -> SafeString:
    """Show a path or a name as it was given, an address as a link, or that there is none."""
    if text and ADDRESS.fullmatch(text):
        return format_html('<a href="{0}" rel="noopener noreferrer">{0}</a>', text)
    if text:
        return format_html("<code>{}</code>", text)
    return format_html('<span class="absent">{}</span>', "not recorded")


@register.simple_tag(takes_context=True)
def live(context: Context, part: str, topics: str = "") -> SafeString:
    """Mark an element as a part that the page requests again when one of its topics is touched.

    Topics are kinds of things, or single ones: "blocker task:<id>"; "*" is everything. A part that
    names none has those of its page, which stand in the page's block `topics`.

    Parts of a page that is read from one snapshot bear its revision, and are replaced together.
    """
    revision = getattr(context.get("request"), "revision", "")
    stamp = format_html(' data-revision="{}"', revision) if revision and topics != "*" else ""
    return format_html('id="{}" data-live="{}"{}', part, topics, stamp)


@register.simple_tag
def path(entity: Any) -> SafeString:
    """Show the program and wave of a task or a wave; nothing for what is in neither."""
    wave = getattr(entity, "wave", None)
    program = wave.program if wave else getattr(entity, "program", None)
    links = "".join(
        f'<a href="{each.get_absolute_url()}">{escape(str(each))}</a>'
        for each in (program, wave)
        if each
    )
    return SafeString(links and f'<small class="path">{links}</small>')


@register.simple_tag(takes_context=True)
def offers(context: Context, offered: Iterable[ActionButton]) -> SafeString:
    """Show what may be decided, as buttons, of which some open a form."""
    back = format_html(
        '<input type="hidden" name="next" value="{}">', context["request"].get_full_path()
    )
    hidden = form_secrets(context) + back
    return SafeString("\n".join(offer.draw(hidden) for offer in offered))
