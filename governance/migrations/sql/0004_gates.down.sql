DROP TRIGGER governance_evidence_updated ON tasks;
CREATE TRIGGER governance_evidence_updated AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        governance_evidence('task', 'task_id', '{updated_at}', '{progress_percentage}');

DROP TRIGGER governance_builders_hold_their_task ON tasks;
DROP TRIGGER governance_builders_hold_their_task ON builders;
DROP FUNCTION governance_builders_hold_their_task();
DROP TRIGGER governance_follow_programs ON programs;
DROP FUNCTION governance_follow_programs();
DROP TRIGGER governance_follow_waves ON waves;
DROP FUNCTION governance_follow_waves();
DROP TRIGGER governance_follow_tasks ON tasks;
DROP FUNCTION governance_follow_tasks();
DROP FUNCTION governance_complete_what_is_done(uuid);
DROP TRIGGER governance_programs_open_to_moved ON waves;
DROP TRIGGER governance_programs_open ON waves;
DROP FUNCTION governance_programs_open();
DROP TRIGGER governance_waves_open_to_moved ON tasks;
DROP TRIGGER governance_waves_open ON tasks;
DROP FUNCTION governance_waves_open();
DROP TRIGGER governance_programs_gate ON programs;
DROP FUNCTION governance_programs_gate();
DROP TRIGGER governance_waves_gate ON waves;
DROP FUNCTION governance_waves_gate();
DROP TRIGGER governance_tasks_gate ON tasks;
DROP FUNCTION governance_tasks_gate();
DROP FUNCTION governance_refuse(text, uuid, text, text, text);
DROP FUNCTION governance_gate(text, uuid, text, text, text);
DROP FUNCTION governance_gate_unblock(text, uuid, text);
DROP FUNCTION governance_gate_complete_program(uuid);
DROP FUNCTION governance_gate_complete_wave(uuid);
DROP FUNCTION governance_gate_complete_task(uuid);
DROP FUNCTION governance_gate_start_task(uuid);
DROP FUNCTION governance_gate_assign_task(uuid, text);
DROP FUNCTION governance_suite_red(uuid);
DROP FUNCTION governance_latest_run(uuid);
DROP FUNCTION governance_architecture_ready(uuid);
DROP FUNCTION governance_parents_in_progress(uuid);
DROP FUNCTION governance_gate_start_wave(uuid);
DROP FUNCTION governance_gate_approve_program(uuid);
DROP FUNCTION governance_no_unresolved_violation(uuid);
DROP FUNCTION governance_no_open_blocker(text, uuid);
DROP FUNCTION governance_names(text[]);
DROP FUNCTION governance_state_before_block(text, uuid);
