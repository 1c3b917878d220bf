"""The database contract, written by hand from its specification, in PostgreSQL's own words.

CONTRACT is what FOREMAN_DATABASE_SCHEMA_v1.0 states. ADDITIONS is what the office has beside it:
whatever stands in neither must not exist. A column is its type, NOT NULL or not, and its default.
"""

STATES = "'planned'::text, 'in-progress'::text, 'blocked'::text, 'completed'::text, 'failed'::text"
TASK_STATES = STATES.replace("'in-", "'assigned'::text, 'in-")
BUILDERS = (
    "'ui-builder'::text, 'api-builder'::text, 'schema-builder'::text,"
    " 'integration-builder'::text, 'qa-builder'::text"
)
PERCENTAGE = "CHECK (((progress_percentage >= 0) AND (progress_percentage <= 100)))"

KEY = "uuid NOT NULL DEFAULT gen_random_uuid()"
MOMENT = "timestamp with time zone"
NOW = "timestamp with time zone NOT NULL DEFAULT now()"


def among(column, values):
    return f"CHECK (({column} = ANY (ARRAY[{values}])))"


CONTRACT = {
    "programs": {
        "columns": {
            "program_id": KEY,
            "name": "text NOT NULL",
            "description": "text NOT NULL",
            "objectives": "jsonb NOT NULL DEFAULT '[]'::jsonb",
            "state": "text NOT NULL",
            "progress_percentage": "integer NOT NULL DEFAULT 0",
            "evidence_location": "text",
            "created_at": NOW,
            "updated_at": NOW,
            "created_by": "uuid",
            "organisation_id": "uuid",
        },
        "constraints": {
            "programs_pkey": "PRIMARY KEY (program_id)",
            "programs_name_key": "UNIQUE (name)",
            "programs_state_check": among("state", STATES),
            "programs_progress_percentage_check": PERCENTAGE,
        },
        "indexes": {
            "idx_programs_state": "btree (state)",
            "idx_programs_org": "btree (organisation_id)",
        },
        "triggers": {
            "programs_updated_at": "BEFORE UPDATE FOR EACH ROW update_updated_at()",
        },
    },
    "waves": {
        "columns": {
            "wave_id": KEY,
            "program_id": "uuid NOT NULL",
            "name": "text NOT NULL",
            "sequence_number": "integer NOT NULL",
            "dependencies": "jsonb NOT NULL DEFAULT '[]'::jsonb",
            "state": "text NOT NULL",
            "progress_percentage": "integer NOT NULL DEFAULT 0",
            "created_at": NOW,
            "updated_at": NOW,
        },
        "constraints": {
            "waves_pkey": "PRIMARY KEY (wave_id)",
            "waves_program_id_fkey": (
                "FOREIGN KEY (program_id) REFERENCES programs(program_id) ON DELETE CASCADE"
            ),
            "waves_program_id_sequence_number_key": "UNIQUE (program_id, sequence_number)",
            "waves_state_check": among("state", STATES),
            "waves_progress_percentage_check": PERCENTAGE,
        },
        "indexes": {
            "idx_waves_program": "btree (program_id)",
            "idx_waves_state": "btree (state)",
        },
        "triggers": {
            "waves_updated_at": "BEFORE UPDATE FOR EACH ROW update_updated_at()",
        },
    },
    "tasks": {
        "columns": {
            "task_id": KEY,
            "wave_id": "uuid NOT NULL",
            "name": "text NOT NULL",
            "architecture_reference": "text NOT NULL",
            "qa_suite_location": "text NOT NULL",
            "acceptance_criteria": "text NOT NULL",
            "assigned_builder": "text",
            "state": "text NOT NULL",
            "progress_percentage": "integer NOT NULL DEFAULT 0",
            "evidence_location": "text",
            "created_at": NOW,
            "updated_at": NOW,
            "started_at": MOMENT,
            "completed_at": MOMENT,
        },
        "constraints": {
            "tasks_pkey": "PRIMARY KEY (task_id)",
            "tasks_wave_id_fkey": (
                "FOREIGN KEY (wave_id) REFERENCES waves(wave_id) ON DELETE CASCADE"
            ),
            "tasks_assigned_builder_check": among("assigned_builder", BUILDERS),
            "tasks_state_check": among("state", TASK_STATES),
            "tasks_progress_percentage_check": PERCENTAGE,
        },
        "indexes": {
            "idx_tasks_wave": "btree (wave_id)",
            "idx_tasks_state": "btree (state)",
            "idx_tasks_builder": "btree (assigned_builder)",
        },
        "triggers": {
            "tasks_updated_at": "BEFORE UPDATE FOR EACH ROW update_updated_at()",
            # The one thing that is not as the contract writes it: FOR EACH ROW loses updates.
            "task_progress_updated": "AFTER UPDATE FOR EACH STATEMENT calculate_wave_progress()",
        },
    },
    "builders": {
        "columns": {
            "builder_id": "text NOT NULL",
            "backend_type": "text NOT NULL",
            "current_task_id": "uuid",
            "state": "text NOT NULL",
            "last_heartbeat": NOW,
            "provenance": "jsonb NOT NULL DEFAULT '{}'::jsonb",
            "created_at": NOW,
            "updated_at": NOW,
        },
        "constraints": {
            "builders_pkey": "PRIMARY KEY (builder_id)",
            "builders_builder_id_check": among("builder_id", BUILDERS),
            "builders_backend_type_check": among(
                "backend_type", "'local'::text, 'hosted'::text, 'burst'::text"
            ),
            "builders_current_task_id_fkey": (
                "FOREIGN KEY (current_task_id) REFERENCES tasks(task_id) ON DELETE RESTRICT"
            ),
            "builders_state_check": among(
                "state", "'idle'::text, 'active'::text, 'blocked'::text, 'failed'::text"
            ),
        },
        "indexes": {
            "idx_builders_state": "btree (state)",
            "idx_builders_heartbeat": "btree (last_heartbeat)",
        },
        "triggers": {
            "builders_updated_at": "BEFORE UPDATE FOR EACH ROW update_updated_at()",
        },
    },
    "blockers": {
        "columns": {
            "blocker_id": KEY,
            "entity_type": "text NOT NULL",
            "entity_id": "uuid NOT NULL",
            "classification": "text NOT NULL",
            "description": "text NOT NULL",
            "detected_at": NOW,
            "resolved_at": MOMENT,
            "resolution_action": "text",
        },
        "constraints": {
            "blockers_pkey": "PRIMARY KEY (blocker_id)",
            "blockers_entity_type_check": among(
                "entity_type", "'program'::text, 'wave'::text, 'task'::text"
            ),
            "blockers_classification_check": among(
                "classification",
                "'architecture_qa_mismatch'::text, 'impossible_requirements'::text,"
                " 'protected_path'::text, 'repeated_failures'::text,"
                " 'constitutional_violation'::text, 'builder_stall'::text",
            ),
        },
        "indexes": {
            "idx_blockers_entity": "btree (entity_type, entity_id)",
            "idx_blockers_unresolved": "btree (resolved_at) WHERE (resolved_at IS NULL)",
        },
    },
    "heartbeats": {
        "columns": {
            "heartbeat_id": KEY,
            "builder_id": "text NOT NULL",
            "task_id": "uuid",
            "timestamp": NOW,
            "status": "text NOT NULL",
            "message": "text",
            "progress_percentage": "integer",
        },
        "constraints": {
            "heartbeats_pkey": "PRIMARY KEY (heartbeat_id)",
            "heartbeats_builder_id_fkey": (
                "FOREIGN KEY (builder_id) REFERENCES builders(builder_id)"
            ),
            "heartbeats_task_id_fkey": "FOREIGN KEY (task_id) REFERENCES tasks(task_id)",
            "heartbeats_status_check": among(
                "status", "'active'::text, 'idle'::text, 'blocked'::text"
            ),
            "heartbeats_progress_percentage_check": PERCENTAGE,
        },
        "indexes": {
            "idx_heartbeats_builder": 'btree (builder_id, "timestamp" DESC)',
            "idx_heartbeats_task": "btree (task_id)",
        },
    },
    "evidence_trail": {
        "columns": {
            "evidence_id": KEY,
            "entity_type": "text NOT NULL",
            "entity_id": "uuid NOT NULL",
            "action": "text NOT NULL",
            "actor": "text NOT NULL",
            "backend": "text",
            "model": "text",
            "context": "jsonb NOT NULL DEFAULT '{}'::jsonb",
            "timestamp": NOW,
        },
        "constraints": {
            "evidence_trail_pkey": "PRIMARY KEY (evidence_id)",
            "evidence_trail_entity_type_check": among(
                "entity_type", "'program'::text, 'wave'::text, 'task'::text, 'builder'::text"
            ),
        },
        "indexes": {
            "idx_evidence_entity": 'btree (entity_type, entity_id, "timestamp" DESC)',
            "idx_evidence_timestamp": 'btree ("timestamp" DESC)',
        },
    },
    "governance_violations": {
        "columns": {
            "violation_id": KEY,
            "task_id": "uuid",
            "builder_id": "text",
            "violation_type": "text NOT NULL",
            "description": "text NOT NULL",
            "detected_at": NOW,
            "resolution": "text",
            "resolved_at": MOMENT,
        },
        "constraints": {
            "governance_violations_pkey": "PRIMARY KEY (violation_id)",
            "governance_violations_task_id_fkey": "FOREIGN KEY (task_id) REFERENCES tasks(task_id)",
            "governance_violations_builder_id_fkey": (
                "FOREIGN KEY (builder_id) REFERENCES builders(builder_id)"
            ),
        },
        "indexes": {
            "idx_violations_task": "btree (task_id)",
            "idx_violations_builder": "btree (builder_id)",
            "idx_violations_unresolved": "btree (resolved_at) WHERE (resolved_at IS NULL)",
        },
    },
    "architecture_validations": {
        "columns": {
            "validation_id": KEY,
            "task_id": "uuid NOT NULL",
            "architecture_reference": "text NOT NULL",
            "validation_results": "jsonb NOT NULL",
            "pass_rate": "numeric(5,2) NOT NULL",
            "build_readiness": "text NOT NULL",
            "validated_at": NOW,
            "validated_by": "text NOT NULL DEFAULT 'foreman'::text",
        },
        "constraints": {
            "architecture_validations_pkey": "PRIMARY KEY (validation_id)",
            "architecture_validations_task_id_fkey": (
                "FOREIGN KEY (task_id) REFERENCES tasks(task_id)"
            ),
            "architecture_validations_pass_rate_check": (
                "CHECK (((pass_rate >= (0)::numeric) AND (pass_rate <= (100)::numeric)))"
            ),
            "architecture_validations_build_readiness_check": among(
                "build_readiness", "'READY'::text, 'NOT_READY'::text"
            ),
        },
        "indexes": {"idx_arch_validations_task": "btree (task_id)"},
    },
    "qa_executions": {
        "columns": {
            "execution_id": KEY,
            "task_id": "uuid NOT NULL",
            "qa_suite_location": "text NOT NULL",
            "total_tests": "integer NOT NULL",
            "passing_tests": "integer NOT NULL",
            "failing_tests": "integer NOT NULL",
            "skipped_tests": "integer NOT NULL",
            "test_debt_count": "integer NOT NULL DEFAULT 0",
            "qa_status": "text NOT NULL",
            "executed_at": NOW,
            "execution_time_ms": "integer",
        },
        "constraints": {
            "qa_executions_pkey": "PRIMARY KEY (execution_id)",
            "qa_executions_task_id_fkey": "FOREIGN KEY (task_id) REFERENCES tasks(task_id)",
            "qa_executions_qa_status_check": among(
                "qa_status", "'RED'::text, 'PARTIAL'::text, 'GREEN'::text"
            ),
        },
        "indexes": {"idx_qa_executions_task": "btree (task_id, executed_at DESC)"},
    },
}


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


def blockers_resolved(noun):
    return {
        "governance_blockers_of_deleted": (
            f"AFTER DELETE FOR EACH ROW governance_blockers_of_deleted('{noun}', '{noun}_id')"
        )
    }


def each_row(name, event, when=""):
    """A trigger of the same name as its function."""
    return {name: f"{event} FOR EACH ROW {f'WHEN ({when}) ' if when else ''}{name}()"}


def each_statement(name, *events, function=""):
    """The triggers of a function over a statement's rows, one for each event."""
    one = len(events) == 1
    called = function if "(" in function else f"{function or name}()"
    return {
        name if one else f"{name}_{said}": f"AFTER {event} FOR EACH STATEMENT {called}"
        for event, said in ((event, f"{event.lower().removesuffix('e')}ed") for event in events)
    }


def departures(where):
    """Asks whether what is left is done, once a row has gone from `where`."""
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

MOVED = "(old.state IS DISTINCT FROM new.state)"

ADDITIONS = {
    "programs": {
        "triggers": {
            **each_row("programs_programs_moves", "BEFORE UPDATE", MOVED),
            **each_row("governance_programs_gate", "AFTER UPDATE"),
            **each_statement("governance_follow_programs", "UPDATE"),
            **watched("program", "program_id", "{updated_at,progress_percentage}"),
            **announced("program", "{updated_at,progress_percentage}"),
            **blockers_resolved("program"),
        },
        "indexes": {"idx_programs_words": WORDS},
    },
    "waves": {
        "triggers": {
            **each_row("programs_waves_moves", "BEFORE UPDATE", MOVED),
            **each_row("governance_waves_gate", "AFTER UPDATE"),
            **each_statement("governance_follow_waves", "UPDATE"),
            **each_statement("governance_programs_open", "INSERT"),
            **each_statement(
                "governance_programs_open_to_moved", "UPDATE", function="governance_programs_open"
            ),
            **departures("program_id"),
            **watched("wave", "wave_id", "{updated_at,progress_percentage}"),
            **announced("wave", "{updated_at,progress_percentage}"),
            **blockers_resolved("wave"),
            "wave_progress_inserted": (
                "AFTER INSERT FOR EACH STATEMENT calculate_program_progress()"
            ),
            "wave_progress_updated": "AFTER UPDATE FOR EACH STATEMENT calculate_program_progress()",
            "wave_progress_deleted": "AFTER DELETE FOR EACH STATEMENT calculate_program_progress()",
            "programs_waves_dependencies": (
                "AFTER INSERT OR DELETE OR UPDATE OF wave_id, program_id, dependencies"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW programs_waves_dependencies()"
            ),
        },
        "indexes": {"idx_waves_words": WORDS},
    },
    "tasks": {
        "columns": {"worked_at": MOMENT},
        "indexes": {
            "idx_tasks_wave_state": "btree (wave_id, state)",
            "idx_tasks_planned": "btree (wave_id, created_at) WHERE (state = 'planned'::text)",
            "idx_tasks_updated": "btree (updated_at, task_id)",
            "idx_tasks_name": 'btree ("left"(name, 200), task_id)',
            "idx_tasks_progress": "btree (progress_percentage, task_id)",
            "idx_tasks_created": "btree (created_at, task_id)",
            "idx_tasks_completed": (
                "btree (completed_at, task_id) WHERE (completed_at IS NOT NULL)"
            ),
            "idx_tasks_words": WORDS,
        },
        "triggers": {
            **each_row("programs_tasks_moves", "BEFORE UPDATE", MOVED),
            **each_row(
                "programs_tasks_times",
                "BEFORE UPDATE",
                f"({MOVED} AND (NOT programs_is_history()))",
            ),
            **each_row("governance_tasks_gate", "AFTER UPDATE"),
            **each_row(
                "governance_builders_hold_their_task", "AFTER UPDATE DEFERRABLE INITIALLY DEFERRED"
            ),
            **each_statement("governance_follow_tasks", "UPDATE"),
            **each_statement("governance_waves_open", "INSERT"),
            **each_statement(
                "governance_waves_open_to_moved", "UPDATE", function="governance_waves_open"
            ),
            **departures("wave_id"),
            **watched("task", "task_id", "{updated_at}", "{progress_percentage}"),
            **announced("task", "{updated_at}"),
            "governance_evidence_updated": (
                "AFTER UPDATE FOR EACH STATEMENT governance_evidence("
                "'task', 'task_id', '{updated_at,worked_at}', '{progress_percentage}')"
            ),
            **blockers_resolved("task"),
            "task_progress_inserted": "AFTER INSERT FOR EACH STATEMENT calculate_wave_progress()",
            "task_progress_deleted": "AFTER DELETE FOR EACH STATEMENT calculate_wave_progress()",
        },
    },
    "builders": {
        "columns": {"state_since": NOW, "assigned_at": MOMENT},
        "constraints": {"idx_builders_current_task": "UNIQUE (current_task_id)"},
        "triggers": {
            **each_row("builders_builders_times", "BEFORE UPDATE OF state, current_task_id"),
            **each_row(
                "governance_builders_hold_their_task",
                "AFTER INSERT OR UPDATE OF current_task_id DEFERRABLE INITIALLY DEFERRED",
            ),
            **each_row("governance_follow_builders", "AFTER UPDATE"),
            **watched("builder", "builder_id", "{updated_at,last_heartbeat}"),
            # Of a beat there is nothing to tell: it is not even asked.
            "governance_evidence_updated": (
                "AFTER UPDATE OF backend_type, current_task_id, state, provenance, created_at,"
                " state_since, assigned_at FOR EACH ROW governance_evidence("
                "'builder', 'builder_id', '{updated_at,last_heartbeat}', '{}')"
            ),
            **each_row("governance_announce_pulse", "AFTER UPDATE"),
        },
    },
    "blockers": {
        "columns": {"occurrences": "integer NOT NULL DEFAULT 1"},
        "indexes": {
            "blockers_one_open_per_entity_and_classification": (
                "UNIQUE btree (entity_type, entity_id, classification) WHERE (resolved_at IS NULL)"
            ),
            **by_age("blockers", "blocker_id"),
        },
        "triggers": {
            **watched("blocker", "blocker_id"),
            **announced("blocker"),
            **each_row(
                "governance_blockers_not_on_completed", "BEFORE INSERT OR UPDATE OF resolved_at"
            ),
            **each_statement("governance_follow_blockers", "INSERT", "UPDATE", "DELETE"),
            "governance_blockers_entity": (
                "BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at"
                " FOR EACH ROW governance_blockers_entity()"
            ),
        },
    },
    "heartbeats": {
        "indexes": {
            "idx_heartbeats_newest": 'btree ("timestamp" DESC)',
            "idx_heartbeats_task_newest": 'btree (task_id, "timestamp" DESC)',
        },
        "triggers": {
            "builders_heartbeats_not_ahead": (
                'BEFORE INSERT OR UPDATE OF "timestamp" FOR EACH ROW'
                " builders_heartbeats_not_ahead()"
            ),
            **each_row("builders_heartbeats_lock", "BEFORE INSERT"),
            "builders_heartbeats_apply": ("AFTER INSERT FOR EACH ROW builders_heartbeats_apply()"),
            **each_statement("governance_announce_late", "INSERT"),
        },
    },
    "evidence_trail": {
        "columns": {
            "sequence": "bigint NOT NULL",
            "witnessed": "boolean NOT NULL DEFAULT false",
        },
        "indexes": {
            "idx_evidence_sequence": "UNIQUE btree (sequence)",
            "idx_evidence_newest": 'btree ("timestamp" DESC, sequence DESC)',
            "idx_evidence_happened": (
                "btree (\"timestamp\" DESC, sequence DESC) WHERE (NOT (context ? 'import'::text))"
            ),
            "idx_evidence_kind": (
                'btree (entity_type, "timestamp" DESC, sequence DESC)'
                " WHERE (NOT (context ? 'import'::text))"
            ),
            "idx_evidence_actor": 'btree (actor, "timestamp" DESC, sequence DESC)',
            "idx_evidence_action": 'btree (action, "timestamp" DESC, sequence DESC)',
            "idx_evidence_person": (
                "btree (((context ->> 'user'::text)), \"timestamp\" DESC, sequence DESC)"
                " WHERE (context ? 'user'::text)"
            ),
            "idx_evidence_forced": (
                "btree (\"timestamp\" DESC, sequence DESC) WHERE (context ? 'override'::text)"
            ),
            "idx_evidence_completions": (
                "btree (entity_id) WHERE ((((action = 'created'::text)"
                " AND ((context #> '{snapshot,state}'::text[]) = '\"completed\"'::jsonb))"
                " OR ((action = 'state_changed'::text)"
                " AND ((context -> 'to'::text) = '\"completed\"'::jsonb))"
                " OR ((action = 'state_changed'::text)"
                " AND ((context -> 'from'::text) = '\"completed\"'::jsonb)))"
                " AND (entity_type = 'task'::text) AND witnessed)"
            ),
        },
        "triggers": {
            "governance_evidence_trail_append_only": (
                "BEFORE DELETE OR UPDATE OR TRUNCATE FOR EACH STATEMENT"
                " governance_evidence_trail_append_only()"
            ),
            "governance_evidence_trail_witnessed": (
                "BEFORE INSERT FOR EACH ROW governance_evidence_trail_witnessed()"
            ),
            "governance_announce_inserted": (
                "AFTER INSERT FOR EACH STATEMENT governance_announce('evidence', '{}')"
            ),
        },
    },
    "governance_violations": {
        "indexes": by_age("violations", "violation_id"),
        "triggers": {
            **watched("violation", "violation_id"),
            **announced("violation"),
            **each_statement("governance_follow_violations", "INSERT", "UPDATE"),
            **each_row("governance_violations_lock", "BEFORE INSERT"),
        },
    },
    "architecture_validations": {
        "constraints": {
            "architecture_validations_ready_means_all": (
                "CHECK ((((build_readiness = 'READY'::text) AND (pass_rate = (100)::numeric))"
                " OR ((build_readiness = 'NOT_READY'::text) AND (pass_rate < (100)::numeric))))"
            ),
        },
        "indexes": {
            "idx_arch_validations_newest": "btree (validated_at DESC, validation_id DESC)",
            "idx_arch_validations_ready": (
                "btree (validated_at DESC, validation_id DESC) INCLUDE (build_readiness)"
            ),
        },
        "triggers": watched("validation", "validation_id") | announced("validation"),
    },
    "qa_executions": {
        "constraints": {
            "qa_executions_counts_not_negative": (
                "CHECK (((failing_tests >= 0) AND (passing_tests >= 0) AND (skipped_tests >= 0)"
                " AND (test_debt_count >= 0)))"
            ),
            "qa_executions_counts_add_up": (
                "CHECK ((total_tests = ((passing_tests + failing_tests) + skipped_tests)))"
            ),
            "qa_executions_status_follows_counts": (
                "CHECK ((((passing_tests = 0) AND (qa_status = 'RED'::text))"
                " OR ((passing_tests > 0) AND (qa_status = 'GREEN'::text)"
                " AND (test_debt_count = 0) AND (total_tests = passing_tests))"
                " OR (((NOT (total_tests = passing_tests)) OR (test_debt_count > 0))"
                " AND (passing_tests > 0) AND (qa_status = 'PARTIAL'::text))))"
            ),
        },
        "indexes": {
            "idx_qa_executions_latest": (
                "btree (task_id, qa_suite_location, executed_at DESC, execution_id DESC)"
                " INCLUDE (qa_status)"
            ),
            "idx_qa_executions_newest": "btree (executed_at DESC, execution_id DESC)",
            "idx_qa_executions_figures": (
                "btree (executed_at DESC, execution_id DESC)"
                " INCLUDE (qa_status, passing_tests, total_tests)"
            ),
            "idx_qa_executions_debt": (
                "btree (executed_at DESC, execution_id DESC) WHERE (test_debt_count > 0)"
            ),
        },
        "triggers": {
            **watched("qa_run", "execution_id"),
            **announced("run"),
            **each_statement("governance_follow_qa_executions", "INSERT"),
            **each_statement("governance_keep_latest_runs", "INSERT", "UPDATE", "DELETE"),
        },
    },
}
