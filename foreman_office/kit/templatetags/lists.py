"""The headings of a list's columns. A builtin of the template engine, as `kit` is."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foreman_office.kit.listing import Listing

register = template.Library()

TURNED = {"ascending": "up", "descending": "down", "none": ""}


@register.simple_tag
def column(listing: Listing, sort: str, label: str, css: str = "") -> SafeString:
    """Head a column by which the list can be sorted; following it again turns the order."""
    order, address = listing.sorted_by(sort)
    return format_html(
        '<th scope="col" class="{}" aria-sort="{}">'
        '<a class="turn" href="{}" data-order="{}">{}</a></th>',
        css,
        order,
        address,
        TURNED[order],
        label,
    )
