"""The hidden fields of every form that is posted: the CSRF token, and a key for one execution.

The library is a builtin of the template engine, so that Django's own forms have the key too.
"""

import secrets

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

SENDING_KEY = "sending_key"
register = template.Library()


@register.simple_tag(takes_context=True, name="csrf_token")
def form_secrets(context: Context) -> SafeString:
    """Render the form's CSRF token, and the key by which it is executed once."""
    token = context.get("csrf_token")
    if not token or token == "NOTPROVIDED":  # noqa: S105
        return SafeString("")
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<input type="hidden" name="{}" value="{}">',
        token,
        SENDING_KEY,
        secrets.token_urlsafe(12),
    )
