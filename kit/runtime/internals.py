"""The internals of gunicorn that the web worker needs and gunicorn does not guarantee."""

import inspect
from importlib import import_module
from importlib.metadata import version

# Methods with what they take, and what an instance has from its beginning.
NEEDED = {
    "gunicorn.workers.gthread.ThreadWorker": (
        {
            "notify": [],
            "init_process": [],
            "handle_exit": ["sig", "frame"],
            "accept": ["listener"],
            "enqueue_req": ["conn"],
            "handle": ["conn"],
            "handle_request": ["req", "conn"],
            "handle_error": ["req", "client", "addr", "exc"],
            "finish_request": ["conn", "fs"],
            "murder_pending": [],
            "wait_for_and_dispatch_events": ["timeout"],
            "on_client_socket_readable": ["conn", "client"],
            "on_pending_socket_readable": ["conn", "client"],
            "_cap_keepalive": ["deadline"],
        },
        [
            "pending_conns",
            "keepalived_conns",
            "poller",
            "method_queue",
            "nr_conns",
            "worker_connections",
        ],
    ),
    "gunicorn.workers.gthread.TConn": (
        {"init": [], "close": ["graceful"]},
        ["sock", "parser", "timeout", "initialized", "data_ready"],
    ),
    "gunicorn.workers.gthread.PollableMethodQueue": ({"defer": ["callback", "args"]}, []),
    "gunicorn.http.unreader.Unreader": ({"take_buffered": [], "unread": ["data"]}, []),
}


def missing() -> list[str]:
    """Return the internals of gunicorn that are missing, each by its full name."""
    return [name for path in NEEDED for name in _missing_of(path)]


def explain_missing(names: list[str]) -> str:
    return (
        f"gunicorn {version('gunicorn')} lacks what the web worker builds on: {', '.join(names)}."
        " Install the version that requirements.lock names."
    )


def _missing_of(path: str) -> list[str]:
    methods, attributes = NEEDED[path]
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return [path]
    # What __init__ sets is among the names that its code knows.
    known = found.__init__.__code__.co_names if attributes else ()
    return [
        *(
            f"{path}.{method}({', '.join(taken)})"
            for method, taken in methods.items()
            if _taken_by(getattr(found, method, None)) != ["self", *taken]
        ),
        *(f"{path}.{attribute}" for attribute in attributes if attribute not in known),
    ]


def _taken_by(method: object) -> list[str]:
    return [*inspect.signature(method).parameters] if callable(method) else []
