"""The records of a plan in a file of their own: only a batch of them is in memory at a time."""

import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from weakref import finalize

BATCH = 1_000
TABLE = """
    CREATE TABLE record (
        position INTEGER PRIMARY KEY,  -- in the file
        parent INTEGER,                -- the record that it stands in
        kind TEXT NOT NULL,
        key TEXT,
        given TEXT,                    -- the id that the file says
        id TEXT,
        entity_type TEXT,              -- what it is about
        entity TEXT,
        open_as TEXT,                  -- the class of a blocker that is open
        progress INTEGER,              -- of a task
        line INTEGER NOT NULL,
        content BLOB NOT NULL,
        added INTEGER,                 -- what an import would do with it
        change BLOB,
        remark BLOB
    );
    CREATE INDEX record_key ON record (key, kind);
    CREATE INDEX record_id ON record (id);
    CREATE INDEX record_kind ON record (kind);
    CREATE INDEX record_parent ON record (parent);
"""


class Content(NamedTuple):
    values: dict[str, Any]
    remarks: dict[str, Any]
    lines: dict[str, int]


class Entry(NamedTuple):
    """A record with what was found out about it."""

    position: int
    kind: str
    key: str | None
    id: str
    parent: str | None  # their ids
    entity_type: str | None
    entity: str | None
    entity_id: str | None
    line: int
    content: Content
    added: bool
    change: dict[str, tuple[Any, Any]] | None
    remark: Any


class Spool:
    def __init__(self) -> None:
        # Without a name it is a temporary file of SQLite's, which it removes and reads by pages.
        self.database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        finalize(self, self.database.close)
        self.database.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {TABLE} BEGIN;"
        )

    def add(self, content: Content, **columns: Any) -> None:
        columns["content"] = pickle.dumps(content)
        names, places = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        self.database.execute(
            f"INSERT INTO record ({names}) VALUES ({places})",  # noqa: S608  ours
            columns,
        )

    def identify(self, program: str, identity: Callable[[str, str], str]) -> None:
        """Give each record its id: the file's, or else the one that follows from kind and key."""
        self.database.create_function("identity", 2, identity, deterministic=True)
        self.database.execute(
            "UPDATE record SET id = CASE kind WHEN 'program' THEN ? WHEN 'builder' THEN key"
            " ELSE coalesce(given, identity(kind, key)) END",
            [program],
        )

    def id_of(self, kind: str, key: str) -> str:
        found = self.database.execute(
            "SELECT id FROM record WHERE kind = ? AND key = ?", [kind, key]
        )
        return found.fetchone()[0]

    def has(self, kind: str, id: Any) -> bool:
        found = self.database.execute(
            "SELECT 1 FROM record WHERE kind = ? AND id = ?", [kind, str(id)]
        )
        return found.fetchone() is not None

    def count(self, kind: str) -> int:
        found = self.database.execute("SELECT count(*) FROM record WHERE kind = ?", [kind])
        return found.fetchone()[0]

    def progress(self) -> Iterator[tuple[str, int, int]]:
        """Return each wave's id, the sum of its tasks' progress, and their number."""
        yield from self.database.execute(
            "SELECT wave.id, coalesce(sum(task.progress), 0), count(task.position)"
            " FROM record AS wave"
            " LEFT JOIN record AS task ON task.parent = wave.position AND task.kind = 'task'"
            " WHERE wave.kind = 'wave' GROUP BY wave.id"
        )

    def entries(self, kind: str, only: str = "true", *params: Any) -> Iterator[Entry]:
        """Walk the records of a kind, in the order of the file."""
        where = f"record.kind = ? AND ({only}) AND record.position > ?"
        last = 0
        while batch := self._select(
            f"{where} ORDER BY record.position LIMIT {BATCH}", kind, *params, last
        ):
            yield from batch
            last = batch[-1].position

    def repeated(self, *columns: str) -> Iterator[tuple[Entry, Entry]]:
        """Return each record that has the same there as an earlier one, and the first of those."""
        names = ", ".join(columns)
        pairs = self.database.execute(
            "SELECT position, first FROM record JOIN"  # noqa: S608  ours
            f" (SELECT {names}, min(position) AS first FROM record GROUP BY {names}"
            f" HAVING count(*) > 1) USING ({names})"  # which no NULL equals
            " WHERE position > first"
        )
        for pair in pairs:
            again, first = (self._select("record.position = ?", position)[0] for position in pair)
            yield again, first

    def add_to_office(self, positions: Iterable[int]) -> None:
        self._mark("added", ((True, position) for position in positions))

    def change(self, changes: Iterable[tuple[int, dict[str, tuple[Any, Any]]]]) -> None:
        self._mark("change", ((pickle.dumps(change), position) for position, change in changes))

    def remark(self, remarks: Iterable[tuple[int, Any]]) -> None:
        self._mark("remark", ((pickle.dumps(remark), position) for position, remark in remarks))

    def _mark(self, column: str, marks: Iterable[tuple[Any, int]]) -> None:
        self.database.executemany(
            f"UPDATE record SET {column} = ? WHERE position = ?",  # noqa: S608  ours
            marks,
        )

    def forget_marks(self) -> None:
        self.database.execute("UPDATE record SET added = NULL, change = NULL, remark = NULL")

    def _select(self, where: str, *params: Any) -> list[Entry]:
        found = self.database.execute(
            "SELECT record.position, record.kind, record.key, record.id, parent.id,"  # noqa: S608  ours
            " record.entity_type, record.entity, about.id, record.line, record.content,"
            " record.added, record.change, record.remark"
            " FROM record"
            " LEFT JOIN record AS parent ON parent.position = record.parent"
            " LEFT JOIN record AS about"
            " ON about.kind = record.entity_type AND about.key = record.entity"
            f" WHERE {where}",
            params,
        )
        return [
            Entry(*row, _load(content), bool(added), _load(change), _load(remark))
            for *row, content, added, change, remark in found.fetchall()
        ]


def _load(blob: bytes | None) -> Any:
    return blob and pickle.loads(blob)  # noqa: S301  which nobody else can have written
