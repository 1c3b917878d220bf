"""A safe part of Markdown, for texts that others wrote.

Emphasis, code, lists, quotations and links to http and https. HTML and headings stay the text that
they are, and an image becomes a link. What is rendered is cleaned by a second library, which knows
nothing of the first.
"""

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt

RULES = [
    *("emphasis", "backticks", "escape", "entity", "newline", "link", "autolink"),
    *("list", "fence", "blockquote", "hr"),
]
TAGS = {"p", "br", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "a", "hr"}


class _SafeMarkdown(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("zero", {"html": False, "linkify": False})
        self.enable(RULES)

    def validateLink(self, url: str) -> bool:
        """Return whether an address may be a link. One of the office's own pages may not."""
        return url.lower().startswith(("http://", "https://"))


_markdown = _SafeMarkdown()
_cleaner = nh3.Cleaner(
    tags=TAGS,
    # Without the second, `lang` and `title` would pass on every tag.
    attributes={"a": {"href"}, "*": set()},
    url_schemes={"http", "https"},
    # markdown-it does not ask about an empty address.
    attribute_filter=lambda tag, attribute, value: value or None,
    link_rel="noopener noreferrer nofollow ugc",
)


@lru_cache(maxsize=256)
def render_markdown(text: str) -> SafeString:
    """Return a text in this part of Markdown as HTML."""
    return SafeString(_cleaner.clean(_markdown.render(text)))
