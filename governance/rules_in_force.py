"""The rules that a database has, compared with those of this release.

`rules_in_force.json` is what a database has that the migrations of this release made, on each
version of PostgreSQL alike, whatever its schema and its roles are called. `python -m
tests.migrations lock` writes it, and a test fails when it is stale.
"""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path

from django.db import connection, transaction

RELEASE = Path(__file__).with_name("rules_in_force.json")

type Facts = dict[str, str]  # what is to be known of a rule -> how it is
# PostgreSQL writes the body of some SQL functions otherwise once a dump was restored; the file has
# both digests then.
RESTORED = "body once restored"
type Rules = dict[str, Facts]  # a function, a trigger, a constraint ... -> its facts

# Each fact of everything in the schema that decides what may be written, but for what extensions
# brought. NOT NULL, for which PostgreSQL 18 has constraints, is among the columns. The policies for
# members of organisations depend on the roles that there are, and are compared with them.
FACTS = """
    WITH ours AS (
        SELECT oid, nspname FROM pg_namespace WHERE nspname = current_schema()
    ), tables AS (
        SELECT pg_class.* FROM pg_class JOIN ours ON ours.oid = relnamespace
        WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
    ), functions AS (
        SELECT pg_proc.*, nspname, lanname,
            format('function %s(%s)', proname, pg_get_function_identity_arguments(pg_proc.oid))
                AS thing
        FROM pg_proc JOIN ours ON ours.oid = pronamespace
        JOIN pg_language ON pg_language.oid = prolang
        WHERE NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e'
        )
    ), facts (thing, fact, value) AS (
        SELECT thing, 'body', encode(sha256(convert_to(
            coalesce(pg_get_function_sqlbody(oid), prosrc), 'UTF8')), 'hex')
        FROM functions
        UNION ALL
        SELECT thing, 'signature', concat_ws(' ', pg_get_function_result(oid), lanname,
            prokind, provolatile, proparallel, proisstrict, proleakproof)
        FROM functions
        UNION ALL
        SELECT thing, 'rights', CASE WHEN prosecdef THEN 'owner' ELSE 'caller' END FROM functions
        UNION ALL
        SELECT thing, 'settings', replace(
            coalesce(array_to_string(proconfig, '; '), ''), quote_ident(nspname) || ',', 'office,')
        FROM functions
        UNION ALL
        SELECT format('trigger %s on %s', tgname, relname), what.fact, what.value
        FROM pg_trigger JOIN tables ON tables.oid = tgrelid
        CROSS JOIN LATERAL (VALUES
            ('definition', pg_get_triggerdef(pg_trigger.oid, true)), ('enabled', tgenabled::text)
        ) AS what (fact, value)
        WHERE NOT tgisinternal
        UNION ALL
        SELECT format('constraint %s on %s', conname, relname), what.fact, what.value
        FROM pg_constraint JOIN tables ON tables.oid = conrelid
        CROSS JOIN LATERAL (VALUES
            ('definition', replace(pg_get_constraintdef(pg_constraint.oid, true),
                ' NOT VALID', '')),
            ('enabled', coalesce((
                SELECT min(tgenabled)::text FROM pg_trigger
                WHERE tgconstraint = pg_constraint.oid AND tgisinternal AND tgenabled <> 'O'
            ), 'O'))
        ) AS what (fact, value)
        WHERE contype IN ('c', 'f', 'p', 'u', 'x')
        UNION ALL
        SELECT format('index %s on %s', index.relname, tables.relname), what.fact, what.value
        FROM pg_index JOIN tables ON tables.oid = indrelid
        JOIN pg_class AS index ON index.oid = indexrelid
        CROSS JOIN LATERAL (VALUES
            ('definition', pg_get_indexdef(indexrelid, 0, true)),
            ('enabled', CASE WHEN indisvalid THEN 'O' ELSE 'D' END)
        ) AS what (fact, value)
        WHERE indisunique
        UNION ALL
        SELECT format('rule %s on %s', rulename, relname), 'definition',
            pg_get_ruledef(pg_rewrite.oid, true)
        FROM pg_rewrite JOIN tables ON tables.oid = ev_class WHERE rulename <> '_RETURN'
        UNION ALL
        SELECT format('policy %s on %s', polname, relname), 'definition',
            concat_ws(' ', polcmd, polpermissive, pg_get_expr(polqual, polrelid),
                pg_get_expr(polwithcheck, polrelid))
        FROM pg_policy JOIN tables ON tables.oid = polrelid
        WHERE polname NOT IN ('whole_office', 'org_isolation', 'office_itself', 'free_or_own',
            'taken_or_let_go')
        UNION ALL
        SELECT format('table %s', relname), what.fact, what.value
        FROM tables CROSS JOIN LATERAL (VALUES
            ('kind', CASE WHEN relkind = 'r' AND relpersistence = 'p' THEN 'table'
                WHEN relkind = 'r' THEN 'unlogged table' WHEN relkind = 'v' THEN 'view'
                ELSE 'other' END),
            ('row security', CASE WHEN relforcerowsecurity OR relrowsecurity AND NOT EXISTS (
                SELECT FROM pg_policy WHERE polrelid = tables.oid AND polname = 'whole_office'
            ) THEN 'on' ELSE 'off' END),
            ('heirs', coalesce((SELECT string_agg(inhrelid::regclass::text, ', ' ORDER BY inhrelid)
                FROM pg_inherits WHERE inhparent = tables.oid), '')),
            ('columns', encode(sha256(convert_to(coalesce((
                SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod),
                    attnotnull, attidentity, attgenerated, pg_get_expr(adbin, adrelid)), E'\\n'
                    ORDER BY attname COLLATE "C")
                FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
                WHERE attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
            ), ''), 'UTF8')), 'hex'))
        ) AS what (fact, value)
        UNION ALL
        SELECT 'setting session_replication_role', 'of',
            string_agg(coalesce('role ' || rolname, 'database ' || datname), ', ')
        FROM pg_db_role_setting
        LEFT JOIN pg_roles ON pg_roles.oid = setrole
        LEFT JOIN pg_database ON pg_database.oid = setdatabase
        WHERE EXISTS (
            SELECT FROM unnest(setconfig) AS setting
            WHERE setting LIKE 'session_replication_role=%'
                AND setting <> 'session_replication_role=origin'
        ) AND coalesce(datname, current_database()) = current_database()
        HAVING count(*) > 0
    )
    SELECT thing, jsonb_object_agg(fact, value)::text FROM facts
    GROUP BY thing ORDER BY thing COLLATE "C"
"""
# What is a rule wherever it is; of the rest, only what concerns the office's own tables.
OF_ITSELF = ("function ", "setting ")
FIRES = {"D": "is disabled", "R": "is off but for replication", "A": "is on for replication too"}


def read_rules() -> Rules:
    """Return the rules of the database in use."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Names of the schema are then written without it.
        cursor.execute("SELECT set_config('search_path', quote_ident(current_schema()), true)")
        cursor.execute(FACTS)
        return {thing: json.loads(facts) for thing, facts in cursor.fetchall()}


def read_as_migrated() -> Rules:
    """Return the rules of the database in use as if it had not been restored from a dump."""
    rules = read_rules()
    for thing, facts in _file().items():
        if thing in rules and rules[thing].get("body") == facts.get(RESTORED, ""):
            rules[thing]["body"] = facts["body"]
    return rules


@cache
def _file() -> Rules:
    rules: Rules = json.loads(RELEASE.read_text(encoding="utf-8"))
    return rules


@cache
def rules_of_release() -> Rules:
    return {
        thing: {fact: value for fact, value in facts.items() if fact != RESTORED}
        for thing, facts in _file().items()
    }


def rules_as_text(rules: Rules) -> str:
    """Return rules as the file has them: a line each, so that two changes of it merge."""
    lines = (f" {json.dumps(thing)}: {json.dumps(rules[thing], sort_keys=True)}" for thing in rules)
    return "{\n" + ",\n".join(sorted(lines)) + "\n}\n"


def rules_fingerprint() -> str:
    """Return the digest of the rules of the database in use, for a checkpoint."""
    return sha256(rules_as_text(read_as_migrated()).encode()).hexdigest()


def altered_rules() -> list[str]:
    """Return a sentence for each rule that is not as this release made it."""
    wanted, found = rules_of_release(), read_as_migrated()
    tables = {thing.partition(" ")[2] for thing in wanted if thing.startswith("table ")}
    sentences = []
    for thing in sorted({*wanted, *found}):
        if thing not in found:
            sentences.append(f"The {thing} is missing.")
        elif thing in wanted:
            sentences += _changes(thing, wanted[thing], found[thing])
        elif thing.startswith("setting "):
            sentences.append(f"The {thing} of {found[thing]['of']} switches triggers off.")
        elif thing.startswith(OF_ITSELF) or thing.rpartition(" on ")[2] in tables:
            sentences.append(f"The {thing} is none of this release.")
    return sentences


def _changes(thing: str, wanted: Facts, found: Facts) -> list[str]:
    changes = []
    for fact in sorted(fact for fact in wanted if found.get(fact) != wanted[fact]):
        now = found.get(fact, "nothing")
        match fact:
            case "enabled":
                changes.append(f"The {thing} {FIRES.get(now, 'is off')}.")
            case "body" | "columns":
                changes.append(f"The {thing} was replaced ({fact}).")
            case "rights":
                changes.append(f"The {thing} runs with the rights of its {now}.")
            case "heirs":
                changes.append(f"The {thing} shows the rows of other tables too: {now}.")
            case _:
                changes.append(f"The {thing} was replaced ({fact}: {now or 'none'}).")
    return changes
