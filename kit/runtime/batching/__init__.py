"""Group commit of heartbeats: those that arrive at the same time share a statement and a commit.

A heartbeat costs a round trip, a transaction and a disk flush. `group_commit` gathers what threads
ask for while a batch is being stored, so that a batch costs them once, and
`dedicated_connection` keeps one database connection of the process for that work, on which its
statement stays prepared (`kit.core.prepared_query`).

The rest belongs to builders: `builders.actions.record_heartbeat` hands a heartbeat to the batch,
and the SQL function `builders_record_heartbeats` (`builders/sql/`) checks and stores a batch as if
each heartbeat were sent alone. A heartbeat that is refused, or waits for a lock, is stored by
itself: `builders_record_heartbeats` with `is_patient`. `docs/database.md` describes the rules,
`docs/performance.md` the figures.
"""
