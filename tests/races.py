"""Two transactions that overlap, in a given order."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

PATIENCE = 60  # seconds: whoever waits in vain has failed, and nobody else waits so long
LONGEST_REST = 0.1


def overlap(connect, first, second):
    """Run `first`, then `second` before `first` commits, then end both.

    Each is a list of statements, run as one transaction. Returns what each was refused with, or
    None: `second` is only waited for until it waits itself, or is done.
    """
    one, other, observer = connect(), connect(), connect()
    with ThreadPoolExecutor(1) as thread:
        run(one, ["BEGIN", *first])
        answer = thread.submit(refusal, other, ["BEGIN", *second, "COMMIT"])
        until(lambda: answer.done() or is_blocked(observer, other))
        return refusal(one, ["COMMIT"]), answer.result(PATIENCE)


def run(connection, statements):
    for statement in statements:
        query, params = (statement, None) if isinstance(statement, str) else statement
        connection.execute(query, params)


def refusal(connection, statements):
    """Run statements and return the error that stopped them, if one did."""
    try:
        run(connection, statements)
    except psycopg.Error as error:
        connection.rollback()
        return error
    return None


def is_blocked(observer, connection):
    query = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    return observer.execute(query, [connection.info.backend_pid]).fetchone()[0]


def until(condition, patience=PATIENCE):
    """Poll until the condition holds, ever more seldom: polling takes time from what is due."""
    deadline = time.monotonic() + patience
    rest = 0.001
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(rest)
        rest = min(2 * rest, LONGEST_REST)
