DROP TRIGGER programs_waves_dependencies ON waves;
DROP FUNCTION programs_waves_dependencies();

DROP TRIGGER wave_progress_deleted ON waves;
DROP TRIGGER wave_progress_updated ON waves;
DROP TRIGGER wave_progress_inserted ON waves;
DROP FUNCTION calculate_program_progress();

DROP TRIGGER task_progress_deleted ON tasks;
DROP TRIGGER task_progress_updated ON tasks;
DROP TRIGGER task_progress_inserted ON tasks;
DROP FUNCTION calculate_wave_progress();
DROP FUNCTION programs_fresh_snapshots();

DROP TRIGGER tasks_updated_at ON tasks;
DROP TRIGGER waves_updated_at ON waves;
DROP TRIGGER programs_updated_at ON programs;
DROP FUNCTION update_updated_at();

ALTER TABLE tasks DROP CONSTRAINT tasks_wave_id_fkey;
ALTER TABLE waves DROP CONSTRAINT waves_program_id_fkey;
