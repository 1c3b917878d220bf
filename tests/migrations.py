"""What the project promises about its migrations. `make lock` runs it."""

import hashlib
import subprocess
import sys
from pathlib import Path

from django.db.migrations.loader import MigrationLoader

from tests.rules_in_force import write as write_rules_in_force

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tests" / "migrations.lock"

APPS = ["programs", "builders", "governance"]  # each may speak of those before it

# The migrations that make the tables meet nobody at work, and are judged as the one change they
# are; whatever comes after is judged by itself.
FOUNDING = "0001_initial"

# What squawk need not say: the contract's numbers are INTEGER, the connection sets both timeouts
# (settings.py), and nobody waits for a lock on a table that is only being made.
NOT_ASKED = ["prefer-bigint-over-int", "require-lock-timeout", "require-statement-timeout"]
NOT_ASKED_OF_FOUNDING = [
    "adding-field-with-default",
    "ban-drop-default",
    "require-concurrent-index-deletion",
]
# It wants IF NOT EXISTS, which would take an index that was never finished for a good one; ours
# are dropped before they are made (AddIndexConcurrently).
NOT_ASKED_OUTSIDE_TRANSACTIONS = ["prefer-robust-stmts"]

RULES_IN_FORCE = """
    SELECT rule FROM (
        SELECT 1 AS kind, proname AS name, pg_get_functiondef(pg_proc.oid) AS rule
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname = 'public' AND NOT EXISTS (
            SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e'
        )
        UNION ALL
        SELECT 2, format('%s %s', tgrelid::regclass, tgname), pg_get_triggerdef(oid)
        FROM pg_trigger WHERE NOT tgisinternal
    ) AS rules ORDER BY kind, name, rule
"""


def rules_in_force(connection) -> str:
    """Return every function and trigger of a database, as it would be written."""
    with connection.cursor() as cursor:
        cursor.execute(RULES_IN_FORCE)
        return "\n".join(f"{rule.rstrip()};\n" for (rule,) in cursor.fetchall())


def checksums() -> dict[str, str]:
    """Return the checksum of every migration."""
    return {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(ROOT.glob("*/migrations/[0-9]*.py"))
    }


def landed() -> dict[str, str]:
    lines = LOCK.read_text().splitlines() if LOCK.exists() else []
    return {path: checksum for checksum, path in (line.split("  ") for line in lines)}


def lock() -> None:
    """Add what is new. Refuse if a migration is no longer what was locked; nothing is written."""
    known = landed()
    changed = [
        path for path, checksum in checksums().items() if known.get(path, checksum) != checksum
    ]
    if changed:
        raise SystemExit(
            f"Changed since it was locked: {', '.join(changed)}. Restore it; if it has not landed,"
            f" delete its line in {LOCK.relative_to(ROOT)} and run make lock again."
        )
    with LOCK.open("a") as file:
        for path, checksum in checksums().items():
            if path not in known:
                file.write(f"{checksum}  {path}\n")


def scripts(connection) -> list[tuple[str, str, bool]]:
    """Return each of our migrations: its name, its SQL, and whether a transaction is around it.

    The founding ones are one script.
    """
    loader = MigrationLoader(connection, replace_migrations=False)
    keys = [key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf)]
    found: dict[str, tuple[list[str], bool]] = {}
    for app, name in dict.fromkeys(keys):
        if app in APPS:
            script = "founding" if name == FOUNDING else f"{app}.{name}"
            migration = loader.graph.nodes[app, name]
            sql, _ = found.setdefault(script, ([], migration.atomic))
            sql += loader.collect_sql([(migration, False)])
    return [(script, "\n".join(sql), atomic) for script, (sql, atomic) in found.items()]


def complaints(script: str, sql: str, atomic: bool = True) -> str:
    """Return what squawk has to say about a script: nothing if it is safe on tables in use."""
    not_asked = [
        *NOT_ASKED,
        *(NOT_ASKED_OF_FOUNDING if script == "founding" else []),
        *([] if atomic else NOT_ASKED_OUTSIDE_TRANSACTIONS),
    ]
    judged = subprocess.run(
        [
            Path(sys.executable).with_name("squawk"),
            *("--pg-version", "15.0", "--reporter", "gcc"),
            *(["--assume-in-transaction"] if atomic else []),
            *("--exclude", ",".join(not_asked), "--stdin-filepath", f"{script}.sql"),
        ],
        input=sql,
        capture_output=True,
        text=True,
    )
    return judged.stdout + judged.stderr if judged.returncode else ""


if __name__ == "__main__":
    {"lock": lock}[sys.argv[1]]()
    write_rules_in_force()
