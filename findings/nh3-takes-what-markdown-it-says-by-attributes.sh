#!/usr/bin/env bash
# markdown-it-py and nh3: what the renderer says in attributes, the cleaner's defaults take away again.
#
# One would expect: nh3's defaults keep what a Markdown renderer writes for plain Markdown: they do keep tables, code, lists.
# What happens: markdown-it aligns a column by style="text-align:right" and names the language of a fence by
#   class="language-sql"; nh3 allows neither, although it keeps the older align="right" and the start of a list. Columns
#   of figures lose their alignment and code its language, without a message.
# Versions: markdown-it-py 4.3.0, nh3 0.3.8 (PyPI).
# Why it matters: the two are the usual pair for notes on a page. Give nh3 the attributes it should keep, by element.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq --no-compile markdown-it-py==4.3.0 nh3==0.3.8
"$work/venv/bin/python" - <<'EOF'
import importlib.metadata, re, sys
import nh3
from markdown_it import MarkdownIt

MARKDOWN = {
    "column": "| hours |\n|---:|\n| 7 |",
    "fence": "```sql\nSELECT 1\n```",
    "list": "5. fifth",
}
render = MarkdownIt("js-default").render


def attributes(html):
    """Return the attributes of the elements of `html`, in their order."""
    return re.findall(r'[a-z]+="[^"]*"', html)


seen = {kind: (attributes(render(text)), attributes(nh3.clean(render(text)))) for kind, text in MARKDOWN.items()}
kept = attributes(nh3.clean('<table><tbody><tr><td align="right">7</td></tr></tbody></table>'))
for name in ("markdown-it-py", "nh3"):
    print("version:", name, importlib.metadata.version(name))
print("seen: attributes (rendered, cleaned):", seen, "| of the older way, cleaned:", kept)
if seen != {
    "column": (['style="text-align:right"'] * 2, []),
    "fence": (['class="language-sql"'], []),
    "list": (['start="5"'], ['start="5"']),
} or kept != ['align="right"']:
    sys.exit("not as described: markdown-it-py or nh3 has changed")
print("as expected by this finding")
EOF
