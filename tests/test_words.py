"""What the README and docs/ name exists, and what people read is in plain words."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from programs.models import BuilderName

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_readme_lists_every_setting_and_no_other():
    read = re.findall(
        r"env\.\w+\(\s*\"(\w+)\"", (ROOT / "foreman_office" / "settings.py").read_text()
    )
    listed = re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE)
    assert sorted(listed) == sorted(set(read))


def test_every_make_target_that_is_named_exists():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"(?:^|`)make (\w+)", README, re.MULTILINE)
    assert named
    assert set(named) <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page):
    named = re.findall(r"manage\.py (\w+)", page.read_text())
    assert set(named) <= set(get_commands())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    assert [link for link in links if ":" not in link and not (page.parent / link).exists()] == []


# --- phrases that do not come back ----------------------------------------------------------------

# Each was once on a page, in an error or in a document, and has a plainer form now.
QUAINT = [
    *("would turn it", "came about", "Open on it", "stands of the task", "keeps from happening"),
    *("Plan it again", "planned again yet", "Let it go on", "Take it back", "Take the task back"),
    *("Begin it yourself", "s own work", "Accepted when", "builder is told", "last words"),
    *("in hand", "mpty hands", "in its hands", "in your hands", "in the hands", "builder's hands"),
    *("most costly", "Work to give out", "work to give out", "waits for itself", "your word"),
    *(
        "rule of the house",
        "not get on",
        "given up",
        "up again",
        "ends nowhere",
        "blocked for good",
    ),
    *("by their latest run", "by the same runs", "architecture fails", "and the like", "in debt;"),
    *("chart begins", "Against the run", "run before", "and all else", "left out", "Moving now"),
    *("beginnings of", "best of them", "named so", "such a name", "makes no sense", "filter out"),
    *("Back without", "evidence is kept", "nothing else is said", "First time right"),
    *("Put its task", "put down", "Took up", "Said with it", "saw the act", "was told of it"),
    *("In the same moment", "come after it", "came before it", "since deleted", "whole trail"),
    *("Nobody watches", "Come in", "who knows", "lets nobody", "nothing at this", "Force it"),
    *(
        "said and asked",
        "same for machines",
        "there twice",
        "stands twice",
        "broke off",
        "holds it up",
    ),
    *("never sleeps", "another piece", "anew", "sees nothing", "befalls", "nobody spoke"),
    *(
        "dear client",
        "made up from",
        "times a second",
        "It came",
        "oalposts moved",
        "oved goalposts",
    ),
    *("Somebody", "somebody", "Everybody", "everybody", "Whoever", "whoever", "rogramme"),
    *(
        "was done about it",
        "stand here",
        "stands here",
        "is told here",
        "write a new",
        "written down",
    ),
    *("all else", "make room", "is heard", "was heard", "goes on as", "holds what this"),
    *("was never run", "was never validated", "names no ", "Going round", "Nothing blocks"),
    *("rule is broken", "Vanished", "takes it in", "nothing blocks", "is kept by triggers"),
    *("evidence speaks", "Work went on", "takes up", "given to another", "give it one"),
]
# Sentences that are good as they are.
KEPT = [
    *("Nothing was changed.", "Stays on the page and in the evidence for ever."),
    *("Nothing is written before you have seen what it would change.", "Only in the office, kept"),
    *("This office is already open: ", "Unassign", "Unblock", "Reopen", "Acceptance criteria"),
    *("Page not found", "Duplicate key.", "The body is incomplete.", "Occurred twice."),
]


def product(*patterns):
    """Return the files of the product, without its tests, its tools and what is installed."""
    apart = {".venv", "var", "tests", "bench", "findings", "migrations", "staticfiles"}
    return [
        path
        for pattern in patterns
        for path in sorted(ROOT.rglob(pattern))
        if not apart & set(path.relative_to(ROOT).parts)
    ]


def without_comments(text):
    """Return a template or a script without its comments."""
    text = re.sub(r"{#.*?#}|{% comment.*?endcomment %}", "", text, flags=re.DOTALL)
    return re.sub(r"^\s*//.*$|\s// .*$", "", text, flags=re.MULTILINE)


def docstrings(tree):
    """Return the docstrings of a module and of all in it, as nodes of its tree."""
    return [
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(node)
    ]


def strings(source):
    """Return the strings of Python source that are not docstrings, an f-string as one."""
    tree = ast.parse(source)
    apart = {*docstrings(tree)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
            found.append("".join(map(str, parts)))
            apart |= set(node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in apart:
            found.append(node.value)
    return found


def sql_strings(script):
    """Return the strings of a rule's script, those that are continued on the next line as one."""
    body = re.sub(r"^\s*--.*$|\s--\s.*$", "", script, flags=re.MULTILINE)
    body = re.sub(r"'\s*\n\s*'", "", body)
    return [found.replace("''", "'") for found in re.findall(r"'((?:[^']|'')*)'", body)]


def is_text(text):
    """Return whether a string is for people: words or a capital, and no statement of SQL."""
    return re.search(r"^[A-Z]|\S \S", text) and not re.search(
        r"\b(SELECT|FROM|WHERE|UPDATE|SET|CREATE)\b", text
    )


def texts():
    """Return what people read, as pairs of a file and a text."""
    found = [(path, path.read_text()) for path in PAGES]
    found += [(path, without_comments(path.read_text())) for path in product("*.html", "*.js")]
    for path in product("*.py"):
        found += [(path, text) for text in strings(path.read_text()) if is_text(text)]
    for path in product("*.sql"):
        found += [(path, text) for text in sql_strings(path.read_text()) if is_text(text)]
    return [(path, " ".join(text.split())) for path, text in found]


@pytest.fixture(scope="module")
def read():
    return texts()


def places(read, phrase):
    return sorted({str(path.relative_to(ROOT)) for path, text in read if phrase in text})


def test_no_quaint_phrase_comes_back(read):
    assert {phrase: at for phrase in QUAINT if (at := places(read, phrase))} == {}


def test_good_sentences_are_kept(read):
    assert [sentence for sentence in KEPT if not places(read, sentence)] == []


def test_a_state_is_shown_by_its_label_and_not_by_its_slug(read):
    shown = [
        (path, re.sub(r"{%.*?%}|{{.*?}}|<[^>]*>", " ", text) if path.suffix == ".html" else text)
        for path, text in read
        if path.suffix in (".html", ".py", ".sql")
    ]
    slugs = {str(path.relative_to(ROOT)): text for path, text in shown if "in-progress" in text}
    assert slugs == {}


def test_the_readme_says_what_is_supported_what_a_builder_is_called_and_what_words_mean():
    assert "macOS and Windows are not supported" in README
    assert all(f"`{name}`" in README for name in BuilderName.values)
    words = ["Heartbeat", "Lamp", "Gate", "Override", "Evidence", "Claim", "Red suite", "Test debt"]
    assert [
        word for word in [*words, "Blocker", "Sweep", "Stall"] if f"**{word}**" not in README
    ] == []


def vague_openings(source):
    """Return the docstrings that open with a verb for which the field has a plainer one."""
    opened = [doc.value.strip() for doc in docstrings(ast.parse(source))]
    return [text for text in opened if re.match(r"(Say|Tell|Let|Have|Ask|Give)\b", text)]


def test_a_docstring_opens_with_what_is_returned_or_done():
    files = [*product("*.py"), *sorted((ROOT / "bench").rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): vague_openings(path.read_text()) for path in files}
    assert {path: texts for path, texts in found.items() if texts} == {}
    assert vague_openings('"""Letters."""\ndef a():\n    """Let it be."""') == ["Let it be."]


def test_what_people_read_is_found_in_code():
    source = 'def a():\n    """Take back."""\n    return f"{b}: " f"Take it {c}", "Let it go on"'
    assert strings(source) == ["…: Take it …", "Let it go on"]
    rule = "-- Take it\nRAISE 'The %: it''s'\n    ' blocked.', 'x'; -- Come in\n"
    assert sql_strings(rule) == ["The %: it's blocked.", "x"]
    assert without_comments("{# Come in #}<p>Log in</p>") == "<p>Log in</p>"
