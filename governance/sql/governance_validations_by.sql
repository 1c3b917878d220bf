-- Who may validate the architecture of a task: the foreman; the builder that has the task; and, if
-- the program says so, its planned builder while no builder has it. A builder validates if it is the
-- actor, or if the row says that it validated. What the rule reads is locked first, in the order of
-- governance_tasks_gate.
CREATE OR REPLACE FUNCTION governance_validations_by() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    speaker text;
    task tasks;
    program programs;
BEGIN
    IF programs_is_forced() OR programs_is_history() THEN
        RETURN NEW;
    END IF;
    SELECT builder_id INTO speaker FROM builders
    WHERE builder_id = coalesce(
        nullif(nullif(current_setting('foreman.actor', true), ''), 'foreman'), NEW.validated_by
    );
    IF NOT FOUND THEN
        RETURN NEW;
    END IF;
    SELECT * INTO task FROM tasks WHERE task_id = NEW.task_id FOR NO KEY UPDATE;
    IF NOT FOUND OR EXISTS (
        SELECT FROM builders WHERE builder_id = speaker AND current_task_id = NEW.task_id
    ) THEN
        RETURN NEW;  -- the foreign key refuses a task that does not exist
    END IF;
    IF coalesce(task.planned_builder, task.assigned_builder) IS DISTINCT FROM speaker
        OR task.state NOT IN ('planned', 'blocked')
        OR EXISTS (SELECT FROM builders WHERE current_task_id = NEW.task_id)
    THEN
        RAISE EXCEPTION 'Task "%" is neither assigned to % nor planned for it.', task.name, speaker
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_validations_by',
                TABLE = 'architecture_validations', COLUMN = 'validated_by';
    END IF;
    SELECT programs.* INTO program FROM programs JOIN waves USING (program_id)
    WHERE wave_id = task.wave_id FOR SHARE OF programs;
    IF program.validated_by <> 'builder' THEN
        RAISE EXCEPTION 'In "%" the foreman validates until the task is assigned.', program.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_validations_by',
                TABLE = 'architecture_validations', COLUMN = 'validated_by';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_validations_by BEFORE INSERT ON architecture_validations
    FOR EACH ROW EXECUTE FUNCTION governance_validations_by();
