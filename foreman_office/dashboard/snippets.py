"""A text around what was found in it, in parts of which some are marked."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from unicodedata import normalize

from kit.web.search import words_of

LONGEST = 160  # characters that are shown
LEAD = 40  # of which so many stand before what was found first


class SnippetPart(NamedTuple):
    """A piece of text, as it is: a template escapes it."""

    text: str
    is_match: bool = False


def snippet(text: str, words: Sequence[str], longest: int = LONGEST) -> list[SnippetPart]:
    """Return the text around the first word that is in it, cut at both ends where it is longer."""
    text = normalize("NFC", " ".join(text.split()))
    sought = pattern_of(words)
    first = sought.search(text) if sought else None
    start = max(0, first.start() - LEAD) if first else 0
    if start and (blank := text.find(" ", start, first.start() if first else start)) >= 0:
        start = blank + 1  # at a word, where one begins before the match
    shown = text[start : start + longest]
    before, after = "…" if start else "", "…" if start + longest < len(text) else ""
    return mark_words(f"{before}{shown}{after}", words)


def mark_words(text: str, words: Sequence[str]) -> list[SnippetPart]:
    """Return the whole text with each occurrence of the words marked."""
    text = normalize("NFC", text)
    sought = pattern_of(words)
    parts, end = [], 0
    for found in sought.finditer(text) if sought else ():
        if found.start() > end:
            parts.append(SnippetPart(text[end : found.start()]))
        parts.append(SnippetPart(found[0], True))
        end = found.end()
    return [*parts, SnippetPart(text[end:])] if text[end:] else parts


def pattern_of(words: Sequence[str]) -> re.Pattern[str] | None:
    """Return what finds one of the words, the longest that is there."""
    sought = "|".join(re.escape(normalize("NFC", word)) for word in words if word)
    return re.compile(sought, re.IGNORECASE) if sought else None


def has_all(text: str, words: Sequence[str]) -> bool:
    """Return whether each of the words is in the text, as the database compares them."""
    own = normalize("NFC", text).lower()
    return all(normalize("NFC", word).lower() in own for word in words)


def is_named(name: str, text: str) -> bool:
    """Return whether a name matches, in Python as `matching` does in the database."""
    own = words_of(name.lower())
    return all(any(part.startswith(word) for part in own) for word in words_of(text.lower()))
