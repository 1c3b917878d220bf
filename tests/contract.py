"""The database contract, written by hand from its specification, in PostgreSQL's own words.

CONTRACT is what FOREMAN_DATABASE_SCHEMA_v1.0 states. ADDITIONS (`contract_additions.py`) is what
the office has beside it: whatever stands in neither must not exist. A column is its type, NOT NULL
or not, and its default.
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
