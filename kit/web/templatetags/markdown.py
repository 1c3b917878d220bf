"""The filter that shows a text in Markdown."""

from django import template
from django.utils.safestring import SafeString

from kit.web.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    return render_markdown(text)
