"""Tags of tables and charts. A builtin of the template engine, as `display` is."""

from collections.abc import Iterable

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from kit.web.charts import Chart, ChartRow
from kit.web.listing import Listing
from kit.web.templatetags.times import at

register = template.Library()

TURNED = {"ascending": "up", "descending": "down", "none": ""}


@register.simple_tag
def column(listing: Listing, sort: str, label: str, css: str = "") -> SafeString:
    """Show the heading of a column with a link to sort by it, which reverses the order next."""
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
def figures(rows: Iterable[ChartRow]) -> SafeString:
    """Show the rows of the table of a chart: the values at each moment."""
    return SafeString(
        "\n".join(
            f'<tr><th scope="row" class="nowrap">{linked(row)}</th>'
            + "".join(f'<td class="figure">{escape(value)}</td>' for value in row.values)
            + "</tr>"
            for row in rows
        )
    )


def linked(row: ChartRow) -> SafeString | str:
    """Return the moment of a row, as a link if it leads anywhere."""
    moment = at(row.at)
    return format_html('<a href="{}">{}</a>', row.href, moment) if row.href else moment


@register.simple_tag
def uprights(chart: Chart, transform: str = "") -> SafeString:
    """Draw the bars of a chart; those of a stack are one link, if they lead anywhere."""
    moved = f' transform="{transform}"' if transform else ""
    drawn = []
    for column in chart.columns:
        rects = "".join(
            f'<rect class="{each.bar.drawn}" x="{each.x}" y="{each.y}" width="{each.width}"'
            f' height="{each.height}"{moved} data-tone="{each.bar.tone}">'
            f"<title>{escape(each.bar.words)}</title></rect>"
            for each in column.uprights
        )
        if column.href:
            address, words = escape(column.href), escape(column.words)
            rects = f'<a href="{address}" aria-label="{words}">{rects}</a>'
        drawn.append(rects)
    return SafeString("\n".join(drawn))
