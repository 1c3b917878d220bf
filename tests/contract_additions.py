"""The additions of the database to the contract."""

from tests.contract import BUILDERS, MOMENT, among
from tests.contract_builders import OF_BUILDERS
from tests.contract_planning import ARCHIVED, ARCHIVED_CHECK, OVERDUE, calendar_day
from tests.contract_triggers import (
    EVIDENCE_GRAMS,
    JUDGED_ANEW,
    JUDGED_BY,
    MOVED,
    NAMES_OF_TESTS,
    TEXTS_OF_PROGRAMS,
    TEXTS_OF_TASKS,
    TEXTS_OF_WAVES,
    VIOLATED,
    WORDS,
    announced,
    blockers_resolved,
    bounded,
    by_age,
    came_to,
    departures,
    each_row,
    each_statement,
    grams_of,
    not_ahead,
    not_before,
    proof,
    watched,
)

ADDITIONS = {
    "programs": {
        "columns": {
            "validated_by": "text NOT NULL DEFAULT 'foreman'::text",
            "validation_checklist": "jsonb NOT NULL DEFAULT '[]'::jsonb",
            "allows_pull": "boolean NOT NULL DEFAULT false",
            "due_on": "date",
            "archived_at": MOMENT,
        },
        "constraints": {
            **ARCHIVED_CHECK,
            "programs_validated_by_check": among("validated_by", "'foreman'::text, 'builder'::text")
            + " NOT VALID",
            **calendar_day("programs"),
        },
        "triggers": {
            **each_row("programs_programs_moves", "BEFORE UPDATE", MOVED),
            **ARCHIVED["programs"],
            **bounded("name"),
            **each_row("governance_programs_gate", "AFTER UPDATE"),
            **each_statement("governance_follow_programs", "UPDATE"),
            **watched("program", "program_id", "{updated_at,progress_percentage}"),
            **announced("program", "{updated_at,progress_percentage}"),
            **blockers_resolved("program"),
            **TEXTS_OF_PROGRAMS,
        },
        "indexes": {"idx_programs_words": WORDS, "idx_programs_overdue": OVERDUE},
    },
    "waves": {
        "columns": {"dependencies_accepted_at": MOMENT, "due_on": "date"},
        "constraints": calendar_day("waves"),
        "triggers": {
            **each_row(
                "programs_waves_reason",
                "BEFORE UPDATE OF dependencies_accepted_at",
                "(old.dependencies_accepted_at IS DISTINCT FROM new.dependencies_accepted_at)",
            ),
            **each_row("programs_waves_moves", "BEFORE UPDATE", MOVED),
            **ARCHIVED["waves"],
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
            **TEXTS_OF_WAVES,
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
        "indexes": {"idx_waves_words": WORDS, "idx_waves_overdue": OVERDUE},
    },
    "tasks": {
        "columns": {
            "worked_at": MOMENT,
            "work_received_at": MOMENT,
            "planned_builder": "text",
            "due_on": "date",
        },
        "constraints": {
            "tasks_planned_builder_check": f"{among('planned_builder', BUILDERS)} NOT VALID",
            **not_before("tasks", "completed_at", "started_at"),
            **calendar_day("tasks"),
        },
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
            "idx_tasks_overdue": OVERDUE,
            "idx_tasks_due": "btree (COALESCE(due_on, '9999-12-31'::date), task_id)",
        },
        "triggers": {
            **each_row("programs_tasks_moves", "BEFORE UPDATE", MOVED),
            **ARCHIVED["tasks"],
            **each_row(
                "programs_tasks_measured",
                "BEFORE UPDATE OF worked_at, work_received_at",
                "((old.worked_at IS DISTINCT FROM new.worked_at)"
                " OR (old.work_received_at IS DISTINCT FROM new.work_received_at))",
            ),
            **bounded("qa_suite_location", "suite"),
            **each_row("programs_tasks_reason", f"BEFORE UPDATE OF {JUDGED_BY}", JUDGED_ANEW),
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
                "'task', 'task_id', '{updated_at,worked_at,work_received_at}', "
                "'{progress_percentage}')"
            ),
            **blockers_resolved("task"),
            **TEXTS_OF_TASKS,
            "task_progress_inserted": "AFTER INSERT FOR EACH STATEMENT calculate_wave_progress()",
            "task_progress_deleted": "AFTER DELETE FOR EACH STATEMENT calculate_wave_progress()",
        },
    },
    "builders": OF_BUILDERS,
    "blockers": {
        "columns": {"occurrences": "integer NOT NULL DEFAULT 1"},
        "constraints": not_before("blockers", "resolved_at", "detected_at"),
        "indexes": {
            "blockers_one_open_per_entity_and_classification": (
                "UNIQUE btree (entity_type, entity_id, classification) WHERE (resolved_at IS NULL)"
            ),
            **by_age("blockers", "blocker_id"),
            "idx_blockers_grams": grams_of("description", "resolution_action"),
        },
        "triggers": {
            **watched("blocker", "blocker_id"),
            **announced("blocker"),
            **each_row(
                "governance_blockers_not_on_completed", "BEFORE INSERT OR UPDATE OF resolved_at"
            ),
            **each_row("governance_blockers_unarchived", "BEFORE INSERT OR UPDATE OF resolved_at"),
            **each_statement("governance_follow_blockers", "INSERT", "UPDATE", "DELETE"),
            "governance_proof_reason_removed": (
                "BEFORE DELETE FOR EACH ROW governance_proof_reason()"
            ),
            "governance_blockers_entity": (
                "BEFORE INSERT OR UPDATE OF entity_type, entity_id, resolved_at"
                " FOR EACH ROW governance_blockers_entity()"
            ),
        },
    },
    "heartbeats": {
        "columns": {
            "next_beat_within_seconds": "integer",
            "received_at": "timestamp with time zone DEFAULT now()",
        },
        "constraints": {
            "heartbeats_next_beat_within_seconds_check": (
                "CHECK (((next_beat_within_seconds >= 1)"
                " AND (next_beat_within_seconds <= 86400))) NOT VALID"
            ),
        },
        "indexes": {
            "idx_heartbeats_newest": 'btree ("timestamp" DESC)',
            "idx_heartbeats_received": (
                'btree (builder_id, COALESCE(received_at, "timestamp") DESC, "timestamp" DESC)'
            ),
            "idx_heartbeats_task_received": (
                'btree (task_id, COALESCE(received_at, "timestamp") DESC)'
            ),
        },
        "triggers": {
            "builders_heartbeats_not_ahead": (
                'BEFORE INSERT OR UPDATE OF "timestamp" FOR EACH ROW'
                " builders_heartbeats_not_ahead()"
            ),
            **each_row("builders_heartbeats_lock", "BEFORE INSERT"),
            **each_row("builders_heartbeats_received", "BEFORE INSERT", "programs_is_history()"),
            "builders_heartbeats_apply": (
                "AFTER INSERT FOR EACH ROW WHEN ((NOT programs_is_history()))"
                " builders_heartbeats_apply()"
            ),
            **each_row("governance_announce_late", "AFTER INSERT"),
            **each_statement(
                "builders_keep_minutes",
                *("INSERT", "UPDATE", "DELETE"),
                function="builders_keep_minutes",
            ),
            **each_statement(
                "builders_keep_minutes_truncated", "TRUNCATE", function="builders_keep_minutes"
            ),
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
            "idx_evidence_builders": (
                "btree (actor, \"timestamp\") WHERE ((NOT (actor = 'foreman'::text)) AND witnessed)"
            ),
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
            **came_to("wave", "task"),
            **came_to("program", "wave"),
            "idx_evidence_grams": EVIDENCE_GRAMS,
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
        "constraints": not_before("governance_violations", "resolved_at", "detected_at"),
        "indexes": {
            **by_age("violations", "violation_id"),
            "idx_violations_grams": grams_of("violation_type", "description", "resolution"),
        },
        "triggers": {
            **watched("violation", "violation_id"),
            **announced("violation"),
            **proof(VIOLATED),
            **not_ahead("detected_at"),
            **each_statement("governance_follow_violations", "INSERT", "UPDATE"),
            **each_row("governance_violations_lock", "BEFORE INSERT"),
        },
    },
    "architecture_validations": {
        "columns": {"recorded": "bigint"},
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
            "idx_arch_validations_grams": (
                "gin (programs_grams(governance_checklist_text(validation_results)))"
            ),
        },
        "triggers": {
            **watched("validation", "validation_id"),
            **announced("validation"),
            **proof(),
            **not_ahead("validated_at"),
            **each_row("governance_validations_by", "BEFORE INSERT"),
            **each_row("governance_number_validation", "BEFORE INSERT OR UPDATE"),
        },
    },
    "qa_executions": {
        "columns": {
            "against": "jsonb NOT NULL DEFAULT '[]'::jsonb",
            "arrived_at": MOMENT,
            "ended_at": MOMENT,
            "ended_zone_known": "boolean NOT NULL DEFAULT true",
            "exit_code": "bigint",
            "never_tests": "integer NOT NULL DEFAULT 0",
            "recorded": "bigint",
            "remarks": "jsonb NOT NULL DEFAULT '[]'::jsonb",
        },
        "constraints": {
            "qa_executions_counts_not_negative": (
                "CHECK (((failing_tests >= 0) AND (passing_tests >= 0) AND (skipped_tests >= 0)"
                " AND (test_debt_count >= 0)))"
            ),
            "qa_executions_counts_add_up": (
                "CHECK ((total_tests = ((passing_tests + failing_tests) + skipped_tests)))"
            ),
            "qa_executions_status_follows_run": (
                "CHECK ((((passing_tests = 0) AND (qa_status = 'RED'::text))"
                " OR ((against = '[]'::jsonb) AND (passing_tests > 0)"
                " AND (qa_status = 'GREEN'::text)"
                " AND (test_debt_count = 0) AND (total_tests = passing_tests))"
                " OR (((NOT (total_tests = passing_tests)) OR (test_debt_count > 0)"
                " OR (NOT (against = '[]'::jsonb)))"
                " AND (passing_tests > 0) AND (qa_status = 'PARTIAL'::text))))"
            ),
            "qa_executions_execution_time_ms_check": "CHECK ((execution_time_ms >= 0)) NOT VALID",
            "qa_executions_never_tests_check": (
                "CHECK (((never_tests >= 0) AND (never_tests <= total_tests)))"
            ),
            "qa_executions_qa_suite_location_fits_index": (
                "CHECK ((octet_length(qa_suite_location) <= 2000)) NOT VALID"
            ),
        },
        "indexes": {
            "idx_qa_executions_latest": (
                "btree (task_id, qa_suite_location, executed_at DESC, execution_id DESC)"
                " INCLUDE (qa_status)"
            ),
            "idx_qa_executions_arrived": (
                "btree (task_id, qa_suite_location, arrived_at DESC, recorded DESC)"
            ),
            "idx_qa_executions_suite": (
                "btree (qa_suite_location, arrived_at DESC, recorded DESC)"
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
            **proof(),
            **each_row("governance_settle_run", "BEFORE INSERT OR UPDATE"),
            **each_statement("governance_follow_qa_executions", "INSERT"),
            **each_statement("governance_keep_latest_runs", "INSERT", "UPDATE", "DELETE"),
            **NAMES_OF_TESTS,
            **each_statement("governance_keep_suite_turns", "INSERT", "UPDATE", "DELETE"),
        },
    },
}
