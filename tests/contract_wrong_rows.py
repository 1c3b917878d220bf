"""Rows that the contract refuses, and the rule that each of them breaks."""

PROGRAM, WAVE, TASK = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))

NOWHERE = "00000000-0000-4000-8000-00000000dead"
FULL = {"passing_tests": 3, "failing_tests": 0, "skipped_tests": 0}
NONE = {"passing_tests": 0, "failing_tests": 2, "skipped_tests": 1}
EMPTY = {"total_tests": 0, "passing_tests": 0, "failing_tests": 0, "skipped_tests": 0}


# A row of a table with these columns changed breaks this rule.
WRONG = [
    ("programs", {"name": "One"}, "programs_name_key"),
    ("programs", {"state": "assigned"}, "programs_state_check"),
    ("programs", {"state": "Planned"}, "programs_state_check"),
    ("programs", {"state": ""}, "programs_state_check"),
    ("programs", {"progress_percentage": -1}, "programs_progress_percentage_check"),
    ("programs", {"progress_percentage": 101}, "programs_progress_percentage_check"),
    ("programs", {"program_id": PROGRAM}, "programs_pkey"),
    ("waves", {"sequence_number": 1}, "waves_program_id_sequence_number_key"),
    ("waves", {"state": "assigned"}, "waves_state_check"),
    ("waves", {"progress_percentage": -1}, "waves_progress_percentage_check"),
    ("waves", {"progress_percentage": 101}, "waves_progress_percentage_check"),
    ("waves", {"program_id": NOWHERE}, "waves_program_id_fkey"),
    ("waves", {"wave_id": WAVE}, "waves_pkey"),
    ("tasks", {"assigned_builder": "foreman"}, "tasks_assigned_builder_check"),
    ("tasks", {"assigned_builder": ""}, "tasks_assigned_builder_check"),
    ("tasks", {"planned_builder": "foreman"}, "tasks_planned_builder_check"),
    ("programs", {"validated_by": "viewer"}, "programs_validated_by_check"),
    (
        "programs",
        {"archived_at": "2026-11-20 00:00Z", "state": "planned"},
        "programs_archived_at_check",
    ),
    ("programs", {"due_on": "infinity"}, "programs_due_on_check"),
    ("waves", {"due_on": "1969-12-31"}, "waves_due_on_check"),
    ("tasks", {"due_on": "0044-03-15 BC"}, "tasks_due_on_check"),
    (
        "tasks",
        {"started_at": "2026-11-20 00:00Z", "completed_at": "2026-11-19 00:00Z"},
        "tasks_completed_at_check",
    ),
    (
        "blockers",
        {"detected_at": "2026-11-20 00:00Z", "resolved_at": "2026-11-19 23:59Z"},
        "blockers_resolved_at_check",
    ),
    (
        "governance_violations",
        {"detected_at": "2026-11-20 00:00Z", "resolved_at": "2026-11-19 23:59Z"},
        "governance_violations_resolved_at_check",
    ),
    ("qa_executions", {"execution_time_ms": -1}, "qa_executions_execution_time_ms_check"),
    ("tasks", {"state": "done"}, "tasks_state_check"),
    ("tasks", {"progress_percentage": -1}, "tasks_progress_percentage_check"),
    ("tasks", {"progress_percentage": 101}, "tasks_progress_percentage_check"),
    ("tasks", {"wave_id": NOWHERE}, "tasks_wave_id_fkey"),
    ("tasks", {"task_id": TASK}, "tasks_pkey"),
    ("builders", {"builder_id": "ux-builder"}, "builders_builder_id_check"),
    ("builders", {"backend_type": "cloud"}, "builders_backend_type_check"),
    ("builders", {"state": "asleep"}, "builders_state_check"),
    (
        "builders",
        {"silence_threshold_seconds": 1},
        "builders_silence_threshold_seconds_check",
    ),
    ("builders", {"current_task_id": NOWHERE}, "builders_current_task_id_fkey"),
    ("builders", {"builder_id": "ui-builder"}, "builders_pkey"),
    ("blockers", {"entity_type": "builder"}, "blockers_entity_type_check"),
    ("blockers", {"classification": "bad_luck"}, "blockers_classification_check"),
    ("heartbeats", {"status": "failed"}, "heartbeats_status_check"),
    (
        "heartbeats",
        {"next_beat_within_seconds": 0},
        "heartbeats_next_beat_within_seconds_check",
    ),
    ("heartbeats", {"progress_percentage": -1}, "heartbeats_progress_percentage_check"),
    ("heartbeats", {"progress_percentage": 101}, "heartbeats_progress_percentage_check"),
    ("heartbeats", {"builder_id": "qa-builder"}, "heartbeats_builder_id_fkey"),
    ("heartbeats", {"task_id": NOWHERE}, "heartbeats_task_id_fkey"),
    ("evidence_trail", {"entity_type": "blocker"}, "evidence_trail_entity_type_check"),
    ("governance_violations", {"task_id": NOWHERE}, "governance_violations_task_id_fkey"),
    (
        "governance_violations",
        {"builder_id": "qa-builder"},
        "governance_violations_builder_id_fkey",
    ),
    (
        "architecture_validations",
        {"pass_rate": "-0.01"},
        "architecture_validations_pass_rate_check",
    ),
    (
        "architecture_validations",
        {"pass_rate": "100.01"},
        "architecture_validations_pass_rate_check",
    ),
    (
        "architecture_validations",
        {"build_readiness": "READYISH"},
        "architecture_validations_build_readiness_check",
    ),
    (
        "architecture_validations",
        {"build_readiness": "READY", "pass_rate": "99.99"},
        "architecture_validations_ready_means_all",
    ),
    (
        "architecture_validations",
        {"build_readiness": "NOT_READY", "pass_rate": "100"},
        "architecture_validations_ready_means_all",
    ),
    ("architecture_validations", {"task_id": NOWHERE}, "architecture_validations_task_id_fkey"),
    ("qa_executions", {"task_id": NOWHERE}, "qa_executions_task_id_fkey"),
    ("qa_executions", {"qa_status": "AMBER"}, "qa_executions_qa_status_check"),
    ("qa_executions", {"total_tests": 4}, "qa_executions_counts_add_up"),
    ("qa_executions", {"total_tests": 2}, "qa_executions_counts_add_up"),
    (
        "qa_executions",
        {"failing_tests": -1, "total_tests": 1},
        "qa_executions_counts_not_negative",
    ),
    (
        "qa_executions",
        {"skipped_tests": -1, "total_tests": 1},
        "qa_executions_counts_not_negative",
    ),
    (
        "qa_executions",
        {"passing_tests": -1, "total_tests": 1, "qa_status": "RED"},
        "qa_executions_counts_not_negative",
    ),
    ("qa_executions", {"test_debt_count": -1}, "qa_executions_counts_not_negative"),
    ("qa_executions", {"qa_status": "GREEN"}, "qa_executions_status_follows_run"),
    ("qa_executions", {"qa_status": "RED"}, "qa_executions_status_follows_run"),
    ("qa_executions", FULL, "qa_executions_status_follows_run"),
    ("qa_executions", {**FULL, "qa_status": "RED"}, "qa_executions_status_follows_run"),
    (
        "qa_executions",
        {**FULL, "qa_status": "GREEN", "test_debt_count": 1},
        "qa_executions_status_follows_run",
    ),
    ("qa_executions", NONE, "qa_executions_status_follows_run"),
    ("qa_executions", {**NONE, "qa_status": "GREEN"}, "qa_executions_status_follows_run"),
    (
        "qa_executions",
        {**FULL, "qa_status": "GREEN", "against": '["It broke."]'},
        "qa_executions_status_follows_run",
    ),
    ("qa_executions", {"never_tests": 4}, "qa_executions_never_tests_check"),
    ("qa_executions", {"never_tests": -1}, "qa_executions_never_tests_check"),
    (
        "qa_executions",
        {"qa_suite_location": "x" * 2001},
        "qa_executions_qa_suite_location_fits_index",
    ),
    ("qa_executions", EMPTY, "qa_executions_status_follows_run"),
    ("qa_executions", {**EMPTY, "qa_status": "GREEN"}, "qa_executions_status_follows_run"),
]
