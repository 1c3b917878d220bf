"""Accept or refuse a database from before each app's history was one migration.

Commit 23933a6 ended the old history. Its migrations left what `0001_initial` makes now: a database
that has all of them is at `0001_initial`, and its old names are deleted. One that lacks any cannot
be migrated by this version.
"""

from collections.abc import Set

from django.core.management import CommandError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

BASELINE = "0001_initial"
LAST_OF_THE_OLD = "23933a6"
OLD_HISTORY = {
    "programs": [
        *("0002_contract", "0003_moves", "0004_indexes", "0005_tallies", "0006_planned"),
    ],
    "builders": [
        *("0002_contract", "0003_record_heartbeat", "0004_beats_and_locks", "0005_pauses"),
        *("0006_idempotency", "0007_indexes", "0008_never_heard", "0009_gathered_beats"),
        "0010_single_beats",
    ],
    "governance": [
        *("0002_contract", "0003_evidence", "0004_gates", "0005_consequences", "0006_stalls"),
        *("0007_test_results", "0008_claims", "0009_roles", "0010_indexes", "0011_announce"),
        *("0013_refused_acts", "0014_quick_evidence", "0015_tokens", "0016_evidence_by_whom"),
        *("0018_quick_pages", "0019_latest_runs", "0020_short_beats", "0021_evidence_by_kind"),
        *("0024_kept_runs", "0025_figures", "0026_departures", "0027_violations"),
    ],
}
OLD_NAMES = {(app, name) for app, names in OLD_HISTORY.items() for name in names}
# The old history began with a 0001_initial too, which made less: a column that came later.
MADE_LATER = {
    "programs": ("tasks", "worked_at"),
    "builders": ("builders", "state_since"),
    "governance": ("qa_latest_runs", "execution_id"),
}

Names = Set[tuple[str, str]]  # apps and their migrations


def missing_of_old_history(applied: Names) -> Names:
    """Return the migrations of the old history that a database has begun and not completed."""
    return OLD_NAMES - applied if applied & OLD_NAMES else set()


def old_names(connection: BaseDatabaseWrapper) -> Names:
    """Return the names of the old history that a database has, all of them or none.

    Raises CommandError where only some are there.
    """
    applied = MigrationRecorder(connection).applied_migrations().keys()
    lacks = missing_of_old_history(applied) or {
        (app, OLD_HISTORY[app][-1])
        for app, column in MADE_LATER.items()
        if (app, BASELINE) in applied and not has_column(connection, *column)
    }
    if lacks:
        first, *others = (f"{app}.{name}" for app, name in sorted(lacks))
        raise CommandError(
            f"This database is older than commit {LAST_OF_THE_OLD} of Foreman Office: it lacks the"
            f" migration {first}" + (f" and {len(others)} more" if others else "") + ". Nothing was"
            f" changed. Check out {LAST_OF_THE_OLD} and run its manage.py migrate on this database;"
            " after that, this version can open it."
        )
    return applied & OLD_NAMES


def forget_old_names(connection: BaseDatabaseWrapper, names: Names) -> None:
    """Remove old names from the record of migrations: a new one may have the same name."""
    recorder = MigrationRecorder(connection)
    for app, name in names:
        recorder.record_unapplied(app, name)


def has_column(connection: BaseDatabaseWrapper, table: str, column: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM pg_attribute"
            " WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped",
            [table, column],
        )
        return bool(cursor.rowcount)
