"""Search what texts say, by any part of them: an index of grams tells which rows may have it.

Each kind of text is asked for in bounded time, however many rows there are. What many rows have is
met among the newest of them; what few have is found by the index. So of a word that very many have
the newest are found, and not all.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection

NEWEST = 500  # rows of a kind that are read before its index is asked
FEWEST_BYTES = 3  # of a word that the index knows
MOST_WORDS = 8
BEFORE, EXCERPT = 80, 300  # characters before the first word that is found, and in all


class TextKind(NamedTuple):
    """Where texts of a kind are, and by which column the newest are found."""

    name: str  # in the address
    label: str
    table: str
    key: str
    newest: str
    text: str  # of which there is an index of grams
    where: str = "true"
    is_json: bool = False  # the text is JSON, and so must be the words that are looked for


def joined_columns(*columns: str) -> str:
    """Return the SQL of what `kit.core.sql.Lines` makes of columns."""
    return " || E'\\n' || ".join(f"coalesce({column}, '')" for column in columns)


def _of_the_plan(name: str, label: str) -> TextKind:
    where = f"entity_type = '{name.removesuffix('s')}'"
    return TextKind(name, label, "plan_texts", "entity_id", "text_id", "text", where)


TEXT_KINDS = [
    _of_the_plan("programs", "Programs"),
    _of_the_plan("waves", "Waves"),
    _of_the_plan("tasks", "Tasks"),
    TextKind(
        *("tests", "Tests", "known_tests", "known_test_id", "known_test_id"),
        joined_columns("name"),
    ),
    TextKind(
        *("blockers", "Blockers", "blockers", "blocker_id", "detected_at"),
        joined_columns("description", "resolution_action"),
    ),
    TextKind(
        *("violations", "Violations", "governance_violations", "violation_id", "detected_at"),
        joined_columns("violation_type", "description", "resolution"),
    ),
    TextKind(
        *("validations", "Validations", "architecture_validations", "validation_id"),
        *("validated_at", "governance_checklist_text(validation_results)"),
    ),
    TextKind(
        *("questions", "Questions", "task_questions", "question_id", "asked_at"),
        joined_columns("question", "answer"),
    ),
    TextKind("notes", "Notes", "task_notes", "note_id", "written_at", joined_columns("text")),
    TextKind(
        "plan-notes",
        "Notes on plans",
        "plan_notes",
        "note_id",
        "created_at",
        joined_columns("note"),
    ),
    TextKind("links", "Links", "task_links", "link_id", "added_at", joined_columns("label", "url")),
    TextKind(
        *("evidence", "Evidence", "evidence_trail", "sequence", "sequence"),
        *("governance_evidence_text(context)", "governance_evidence_says(context)", True),
    ),
]

ONE_KIND = """
    (WITH recent AS MATERIALIZED (
        SELECT newest.key, place, text, folded
        FROM (
            SELECT {key} AS key, {newest} AS place, {text} AS text FROM {table} WHERE {where}
            ORDER BY {newest} DESC LIMIT {window}
        ) AS newest
        CROSS JOIN LATERAL (SELECT programs_folded(text) AS folded OFFSET 0) AS own
        WHERE {contains}
        ORDER BY place DESC LIMIT %(most)s
    ), indexed AS MATERIALIZED (
        SELECT {key} AS key, {newest} AS place FROM {table}
        WHERE (SELECT count(*) FROM recent) < %(most)s
            AND {where} AND programs_grams({text}) @> ({grams})
        ORDER BY {newest} DESC
    ), older AS MATERIALIZED (
        SELECT indexed.key, place, text, folded
        FROM indexed
        CROSS JOIN LATERAL (
            SELECT {text} AS text FROM {table} WHERE {key} = indexed.key AND {where} OFFSET 0
        ) AS own
        CROSS JOIN LATERAL (SELECT programs_folded(text) AS folded OFFSET 0) AS also
        WHERE {contains} AND indexed.key NOT IN (SELECT key FROM recent)
        LIMIT %(most)s
    )
    SELECT '{name}', key::text,
        substr(text, greatest(1, strpos(folded, programs_folded({first})) - {before}), {excerpt})
    FROM (SELECT * FROM recent UNION ALL SELECT * FROM older) AS found
    ORDER BY place DESC LIMIT %(most)s)
"""


class TextMatch(NamedTuple):
    """A row that has the words, and its text around the longest of them."""

    kind: str
    key: str
    excerpt: str


def words_in(text: str) -> list[str]:
    """Return the words to look for, the longest first: each is a part of what is found.

    Where all are shorter than what the index knows, they are looked for as one.
    """
    text = text.replace("\0", " ").strip()
    words = sorted(dict.fromkeys(text.split()), key=len, reverse=True)[:MOST_WORDS]
    return words if can_be_found(words) or not is_indexed(text) else [text]


def can_be_found(words: Iterable[str]) -> bool:
    """Return whether an index knows one of the words."""
    return any(is_indexed(word) for word in words)


def is_indexed(word: str) -> bool:
    return len(word.encode()) >= FEWEST_BYTES


def search_texts(
    words: Sequence[str], kinds: Iterable[TextKind] = TEXT_KINDS, most: int = 20
) -> dict[str, list[TextMatch]]:
    """Return by kind the rows whose text has each of the words, the newest first, in one query."""
    found: dict[str, list[TextMatch]] = {kind.name: [] for kind in kinds}
    if found and can_be_found(words):
        parameters = {f"word{n}": word for n, word in enumerate(words)}
        parameters |= {f"json{n}": in_json(word) for n, word in enumerate(words)}
        with connection.cursor() as cursor:
            cursor.execute(statement_of(words, kinds), {**parameters, "most": most})
            for row in cursor.fetchall():
                found[row[0]].append(TextMatch(*row))
    return found


def in_json(word: str) -> str:
    """Return a word as it stands in a text of JSON."""
    return json.dumps(word, ensure_ascii=False)[1:-1]


def statement_of(words: Sequence[str], kinds: Iterable[TextKind]) -> str:
    """Return the query of some kinds; its parameters are the words, as they are and as JSON."""
    return " UNION ALL ".join(statement_of_kind(words, kind) for kind in kinds)


def statement_of_kind(words: Sequence[str], kind: TextKind) -> str:
    named = [f"%({'json' if kind.is_json else 'word'}{n})s" for n in range(len(words))]
    own = {
        "contains": " AND ".join(f"strpos(folded, programs_folded({word})) > 0" for word in named),
        "grams": " || ".join(
            f"programs_grams({name})"
            for name, word in zip(named, words, strict=True)
            if is_indexed(word)
        ),
        "first": named[0],
        "window": NEWEST,
        "before": BEFORE,
        "excerpt": EXCERPT,
    }
    return ONE_KIND.format(**kind._asdict(), **own)
