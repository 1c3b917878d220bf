-- Refuse what a task's gates do not allow. It runs after the row has changed, so that a move which
-- the lifecycle does not know is refused as that. Whatever the conditions read is locked first,
-- always in the order task, builder, wave, program: of two transactions the later one sees what the
-- earlier did. (The lock is that of an UPDATE, not a shared one: most of those who take it go on to
-- update the row.)
CREATE OR REPLACE FUNCTION governance_tasks_gate() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    -- A task that is assigned is unassigned before it is assigned to another builder.
    IF NEW.assigned_builder IS DISTINCT FROM OLD.assigned_builder
        AND 'planned' NOT IN (OLD.state, NEW.state)
        AND (OLD.state <> 'blocked' OR EXISTS (
            SELECT FROM builders WHERE current_task_id = NEW.task_id
        ))
        AND NOT programs_is_forced()
    THEN
        RAISE EXCEPTION 'Task "%" is %: unassign it before it is assigned to another builder.',
            NEW.name, CASE WHEN OLD.assigned_builder IS NULL
                THEN 'a manual task and ' || programs_state_name(OLD.state)
                ELSE 'assigned to ' || OLD.assigned_builder END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_tasks_in_hand',
                TABLE = 'tasks', COLUMN = 'assigned_builder';
    END IF;
    IF NEW.state = OLD.state OR NEW.state NOT IN ('assigned', 'in-progress', 'completed') THEN
        RETURN NULL;
    END IF;
    PERFORM 1 FROM builders
    WHERE builder_id = NEW.assigned_builder OR current_task_id = NEW.task_id
    ORDER BY builder_id FOR NO KEY UPDATE;
    PERFORM 1 FROM waves WHERE wave_id = NEW.wave_id FOR NO KEY UPDATE;
    PERFORM 1 FROM programs JOIN waves USING (program_id)
    WHERE wave_id = NEW.wave_id FOR NO KEY UPDATE OF programs;
    IF NOT programs_is_forced() THEN
        PERFORM governance_refuse(
            'task', NEW.task_id, OLD.state, NEW.state, NEW.assigned_builder);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_tasks_gate AFTER UPDATE ON tasks
    FOR EACH ROW EXECUTE FUNCTION governance_tasks_gate();
