"""The safe part of Markdown: what it renders, and hostile texts."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.web.markdown import TAGS, render_markdown
from tests.examples import examples

LINK = '<a href="{}" rel="noopener noreferrer nofollow ugc">{}</a>'.format

RENDERED = {
    "**a** and *b*": "<p><strong>a</strong> and <em>b</em></p>",
    "`<b>`": "<p><code>&lt;b&gt;</code></p>",
    "- a\n- b": "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
    "1. a": "<ol>\n<li>a</li>\n</ol>",
    "> a": "<blockquote>\n<p>a</p>\n</blockquote>",
    "```js\nx < y\n```": "<pre><code>x &lt; y\n</code></pre>",
    "[a](https://e.org/?x=1&y)": f"<p>{LINK('https://e.org/?x=1&amp;y', 'a')}</p>",
    "![a](https://e.org/x.png)": f"<p>!{LINK('https://e.org/x.png', 'a')}</p>",
    "<http://e.org>": f"<p>{LINK('http://e.org', 'http://e.org')}</p>",
    '[a](https://e.org "title")': f"<p>{LINK('https://e.org', 'a')}</p>",
}
# What each stays: text, without a tag of its own.
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript:alert(1))",
    "[a](java\tscript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a](vbscript:x)",
    "[a](//evil.example)",
    "[a](/admin/)",
    "[a](logout)",
    "<javascript:alert(1)>",
    "[a][b]\n\n[b]: javascript:alert(1)",
    "# heading",
    "heading\n=======",
    "<svg/onload=alert(1)>",
    "<a href='https://e.org' style='position:fixed'>x</a>",
    "<!-- comment -->",
    "&lt;script&gt;",
    "a\u202eb\u0000c",
    "| a | b |\n|---|---|\n| c | d |",
]


def test_this_much_of_markdown_is_rendered(subtests):
    for text, html in RENDERED.items():
        with subtests.test(text=text):
            assert render_markdown(text).strip() == html


def test_what_is_hostile_stays_text(subtests):
    for text in HOSTILE:
        with subtests.test(text=text):
            assert {tag for tag, _ in tags_of(render_markdown(text))} <= {"p", "br"}


PIECES = [*"[]()<>*_`#!>-\n :/'\"&;=ahjs1.", "javascript:", "http://e", "](", "<b>"]


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40))
@examples(60)
def test_whatever_is_written_has_no_other_tag_or_attribute(pieces):
    text = "".join(pieces)
    for tag, attributes in tags_of(render_markdown(text)):
        assert tag in TAGS
        assert {*attributes} <= ({"href", "rel"} if tag == "a" else set())
        assert attributes.get("href", "http://").startswith(("http://", "https://"))


@pytest.mark.parametrize("text", ["[" * 9_000, "> " * 4_000, "*a " * 3_000, "[a](" * 2_000])
def test_deep_texts_are_rendered(text):
    assert render_markdown(text)


def tags_of(html):
    """Return the tags of a document, each with its attributes."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(html)
    return found
