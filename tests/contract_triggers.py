"""The triggers and indexes that several tables have, as PostgreSQL describes them."""

from functools import reduce

# What a heartbeat writes of its builder, of which evidence does not tell.
MEASURED = (
    "{updated_at,last_heartbeat,heard_at,stamped_at,last_sent_at,clock_lag,announced_seconds}"
)


def watched(noun, key, apart="{}", measured="{}"):
    """The triggers by which governance watches a table."""
    evidence = f"FOR EACH STATEMENT governance_evidence('{noun}', '{key}', '{apart}', '{measured}')"
    return {
        "governance_evidence_inserted": f"AFTER INSERT {evidence}",
        "governance_evidence_updated": f"AFTER UPDATE {evidence}",
        "governance_evidence_deleted": f"AFTER DELETE {evidence}",
        "governance_key_is_final": (
            f"BEFORE UPDATE OF {key} FOR EACH ROW WHEN ((new.{key} <> old.{key}))"
            " governance_key_is_final()"
        ),
        "governance_no_truncate": "BEFORE TRUNCATE FOR EACH STATEMENT governance_no_truncate()",
    }


def announced(kind, untold="{}"):
    """The triggers that announce what has changed in a table."""
    return each_statement(
        "governance_announce",
        *("INSERT", "UPDATE", "DELETE"),
        function=f"governance_announce('{kind}', '{untold}')",
    )


def proof(corrected="(old.* IS DISTINCT FROM new.*)"):
    """The triggers that ask a reason for a change of what was recorded."""
    return {
        "governance_proof_reason_corrected": (
            f"BEFORE UPDATE FOR EACH ROW WHEN ({corrected}) governance_proof_reason()"
        ),
        "governance_proof_reason_removed": "BEFORE DELETE FOR EACH ROW governance_proof_reason()",
    }


def not_ahead(column):
    """The trigger that holds a moment back to the office's clock."""
    return {
        "governance_proof_not_ahead": (
            f"BEFORE INSERT OR UPDATE OF {column} FOR EACH ROW WHEN ((new.{column} > now()))"
            f" governance_proof_not_ahead('{column}')"
        )
    }


def blockers_resolved(noun):
    return {
        "governance_blockers_of_deleted": (
            f"AFTER DELETE FOR EACH ROW governance_blockers_of_deleted('{noun}', '{noun}_id')"
        )
    }


def each_row(name, event, when=""):
    """A trigger of the same name as its function."""
    return {name: f"{event} FOR EACH ROW {f'WHEN ({when}) ' if when else ''}{name}()"}


def not_before(table, end, start):
    """The check that a duration is not below zero."""
    return {
        f"{table}_{end}_check": (
            f"CHECK ((({end} IS NULL) OR ({start} IS NULL) OR ({end} >= {start}))) NOT VALID"
        )
    }


def bounded(column, suffix=""):
    """The trigger that bounds a text which stands in an index."""
    return {
        f"programs_fits_index_{suffix or column}": (
            f"BEFORE INSERT OR UPDATE OF {column} FOR EACH ROW"
            f" WHEN ((octet_length(new.{column}) > 2000)) programs_fits_index('{column}')"
        )
    }


def each_statement(name, *events, function=""):
    """The triggers of a function over a statement's rows, one for each event."""
    one = len(events) == 1
    called = function if "(" in function else f"{function or name}()"
    return {
        name if one else f"{name}_{said}": f"AFTER {event} FOR EACH STATEMENT {called}"
        for event, said in ((event, f"{event.lower().removesuffix('e')}ed") for event in events)
    }


def departures(where):
    """The trigger that checks whether the rest is completed, once a row has gone from `where`."""
    event = f"DELETE OR UPDATE OF {where}"
    return {
        "governance_await_departures": (
            f"BEFORE {event} FOR EACH STATEMENT governance_await_departures()"
        ),
        **each_row("governance_follow_departures", f"AFTER {event} DEFERRABLE INITIALLY DEFERRED"),
    }


def by_age(noun, key):
    """The indexes by which a list shows what came last, and what was resolved last."""
    return {
        f"idx_{noun}_detected": f"btree (detected_at DESC, {key} DESC)",
        f"idx_{noun}_resolved": (
            f"btree (resolved_at DESC, {key} DESC) WHERE (resolved_at IS NOT NULL)"
        ),
    }


# What `matching` asks for, as PostgreSQL repeats it.
WORDS = (
    r"""gin (to_tsvector('simple'::regconfig, translate(name,"""
    r""" '!"#$%&''()*+,-./:;<=>?@[\]^_`{|}~'::text, '                                '::text)))"""
)


def grams_of(*columns):
    """The index that finds texts by any part of them."""
    lines = reduce(
        lambda before, line: f"(({before} || '\n'::text) || {line})",
        [f"COALESCE({column}, ''::text)" for column in columns],
    )
    return f"gin (programs_grams({lines}))"


MOVED = "(old.state IS DISTINCT FROM new.state)"


def differ(columns):
    """Return how PostgreSQL repeats that two rows of these columns are distinct."""
    conditions = [f"(old.{name} IS DISTINCT FROM new.{name})" for name in columns]
    return reduce(lambda first, second: f"({first} OR {second})", conditions)


def texts_kept(noun, *columns):
    """The triggers that keep the texts of a table for searches."""
    called = f"programs_keep_texts('{noun}', '{noun}_id')"
    return {
        "programs_keep_texts_inserted": f"AFTER INSERT FOR EACH STATEMENT {called}",
        "programs_keep_texts_updated": (
            f"AFTER UPDATE OF {', '.join(columns)} FOR EACH ROW WHEN ({differ(columns)}) {called}"
        ),
        "programs_keep_texts_deleted": f"AFTER DELETE FOR EACH STATEMENT {called}",
    }


TEXTS_OF_PROGRAMS = texts_kept("program", "name", "description", "objectives", "evidence_location")
TEXTS_OF_WAVES = texts_kept("wave", "name")
TEXTS_OF_TASKS = texts_kept(
    "task",
    *("name", "architecture_reference", "qa_suite_location", "acceptance_criteria"),
    "evidence_location",
)
# By which evidence is found: no row without any text is in it.
EVIDENCE_GRAMS = "gin (programs_grams({0}_text(context))) WHERE {0}_says(context)".format(
    "governance_evidence"
)
NAMES_OF_TESTS = each_statement(
    "governance_keep_test_names_of_runs", "INSERT", function="governance_keep_test_names"
)

VIOLATED = "(((old.resolved_at IS NOT NULL) AND {}) OR {})".format(
    differ(["resolved_at", "resolution"]),
    differ(["task_id", "builder_id", "violation_type", "description", "detected_at"]),
)
JUDGED_BY = "acceptance_criteria, qa_suite_location, architecture_reference"
JUDGED_ANEW = (
    "((old.state = ANY (ARRAY['assigned'::text, 'in-progress'::text, 'blocked'::text]))"
    " AND (new.state <> 'planned'::text) AND ({}))"
).format(" OR ".join(f"(old.{column} <> new.{column})" for column in JUDGED_BY.split(", ")))


def came_to(holder, kind):
    """Return the index on the evidence of what came into a wave or a program."""
    changed = f"'{{changes,{holder}_id,1}}'::text[]"
    return {
        f"idx_evidence_came_to_{holder}": (
            f"btree (COALESCE((context #>> '{{snapshot,{holder}_id}}'::text[]),"
            f" (context #>> {changed})))"
            f" WHERE (((action = 'created'::text) OR ((context -> 'changes'::text) ?"
            f" '{holder}_id'::text)) AND (entity_type = '{kind}'::text) AND witnessed)"
        )
    }
