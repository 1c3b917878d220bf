"""A handover as a text in Markdown: to keep, and as the body of a message."""

import re
from collections.abc import Iterator

from django.template.defaultfilters import date as date_words
from django.utils.timezone import localtime

from foreman_office.dashboard.handover.content import Handover, HandoverLine, ProgramHandover
from kit.web.templatetags.numbers import money
from kit.web.templatetags.times import exact

SPECIAL = re.compile(r"([\\`*_\[\]<>#|])")


def handover_as_markdown(handover: Handover, *, office: str, person: str) -> str:
    """Return the whole handover, with office, person and when it was so."""
    return "\n".join(_handover_lines(handover, office, person)).rstrip() + "\n"


def as_plain_words(text: str) -> str:
    """Return a text of others as one line that Markdown shows as it is."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _handover_lines(handover: Handover, office: str, person: str) -> Iterator[str]:
    yield "# Shift handover"
    yield ""
    yield f"{as_plain_words(office)}, for {as_plain_words(person)}, as of {exact(handover.as_of)}."
    yield f"Record from {handover.since} to {handover.until}: {handover.words}"
    if handover.is_cut:
        yield "There is more beyond its end: read on after this."
    if handover.cost:
        yield f"Cost: {money(handover.cost)}."
    for part in handover.parts:
        yield ""
        yield from _part_lines(part)
    if handover.more_programs:
        yield ""
        yield f"And {handover.more_programs} more programs."


def _part_lines(part: ProgramHandover) -> Iterator[str]:
    yield f"## {as_plain_words(str(part))}"
    if part.cost:
        yield ""
        yield f"Cost: {money(part.cost)}."
    for section in part.sections:
        yield ""
        yield f"### {section.title} ({section.bounded or section.count})"
        yield ""
        for line in section.lines:
            yield f"- {_line_words(line)}"


def _line_words(line: HandoverLine) -> str:
    said = f"{as_plain_words(line.name)}: {as_plain_words(line.what)}"
    said += f". {as_plain_words(line.detail)}" if line.detail else ""
    more = [f"by {as_plain_words(line.by)}"] if line.by else []
    more += [date_words(localtime(line.at), "j M Y H:i T")] if line.at else []
    more += [as_plain_words(each) for each in line.who]
    return f"{said} ({', '.join(more)})" if more else said
