"""A database connection for one kind of work, which is not given back after each request.

To borrow one from the pool and return it costs Django as much as a short statement does. What one
thread does for many requests goes through a connection of its own: to the same process of the
server each time, whose plans are cached there, and whose planner may be configured.
"""

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from kit.runtime import pool


class DedicatedConnection:
    """A connection beside the pool, for one thread at a time, with parameters of its session.

    It is made when it is first asked for, and anew when it has died.
    """

    def __init__(self, **parameters: str) -> None:
        self.parameters = parameters
        self._kept: BaseDatabaseWrapper | None = None

    def __call__(self) -> BaseDatabaseWrapper:
        if not self._kept:
            self._kept = self._beside_the_pool()
        self._kept.close_if_unusable_or_obsolete()  # as Django does between two requests
        if self._kept.connection:
            try:
                pool.check(self._kept.connection)
            except psycopg.OperationalError:
                self._kept.close()
        return self._kept

    def close(self) -> None:
        """End the session; the next call makes another."""
        if self._kept:
            self._kept.close()

    def _beside_the_pool(self) -> BaseDatabaseWrapper:
        kept = connections.create_connection(DEFAULT_DB_ALIAS)
        kept.inc_thread_sharing()
        options = {**kept.settings_dict["OPTIONS"]}
        options.pop("pool", None)
        if not settings.DATABASE_POOLED:  # a pooler refuses them
            said = [f"-c {name}={value}" for name, value in self.parameters.items()]
            options["options"] = " ".join([options.get("options", ""), *said])
        kept.settings_dict = {**kept.settings_dict, "OPTIONS": options, "CONN_MAX_AGE": None}
        return kept
