"""What tables and charts are made of. A builtin of the template engine, as `kit` is."""

from collections.abc import Iterable

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from foreman_office.kit.charts import Chart, Row
from foreman_office.kit.listing import Listing
from foreman_office.kit.templatetags.kit import at

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


@register.simple_tag
def figures(rows: Iterable[Row]) -> SafeString:
    """Draw the table of a chart: at each moment its values."""
    return SafeString(
        "\n".join(
            f'<tr><th scope="row" class="nowrap">{at(row.at)}</th>'
            + "".join(f'<td class="figure">{escape(value)}</td>' for value in row.values)
            + "</tr>"
            for row in rows
        )
    )


@register.simple_tag
def uprights(chart: Chart, transform: str = "") -> SafeString:
    """Draw the bars of a chart."""
    moved = f' transform="{transform}"' if transform else ""
    return SafeString(
        "\n".join(
            f'<rect class="{each.bar.drawn}" x="{each.x}" y="{each.y}" width="{each.width}"'
            f' height="{each.height}"{moved} data-tone="{each.bar.tone}">'
            f"<title>{escape(each.bar.words)}</title></rect>"
            for each in chart.uprights
        )
    )
