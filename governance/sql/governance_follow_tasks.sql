-- What follows when a task changes its state or builder: the builder's current task is set or
-- cleared; the last completed task completes its wave, and one that is no longer completed reopens
-- it. A consequence like those in governance_complete_what_is_done.
CREATE OR REPLACE FUNCTION governance_follow_tasks() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    moved record;
BEGIN
    FOR moved IN
        SELECT n.*, o.assigned_builder AS builder_before, o.state AS state_before
        FROM old_rows AS o JOIN new_rows AS n USING (task_id)
        WHERE n.state <> o.state OR n.assigned_builder IS DISTINCT FROM o.assigned_builder
        ORDER BY task_id
    LOOP
        -- tasks.assigned_builder and builders.current_task_id agree, whichever of the two was
        -- written.
        IF moved.state IN ('planned', 'completed', 'failed')
            OR moved.assigned_builder IS DISTINCT FROM moved.builder_before
        THEN
            UPDATE builders
            SET current_task_id = NULL,
                state = CASE state WHEN 'failed' THEN 'failed' ELSE 'idle' END
            WHERE current_task_id = moved.task_id;
        END IF;
        CONTINUE WHEN programs_is_history();  -- history unassigns, and assigns nothing
        IF moved.state IN ('assigned', 'in-progress') AND moved.assigned_builder IS NOT NULL THEN
            UPDATE builders SET current_task_id = moved.task_id
            WHERE builder_id = moved.assigned_builder AND current_task_id IS NULL;
            IF NOT EXISTS (SELECT FROM builders WHERE current_task_id = moved.task_id) THEN
                RAISE EXCEPTION 'Task "%" cannot be assigned to %, which has another task.',
                    moved.name, moved.assigned_builder
                    USING ERRCODE = 'check_violation',
                        CONSTRAINT = 'governance_builders_hold_their_task',
                        TABLE = 'builders', COLUMN = 'current_task_id';
            END IF;
        END IF;
        IF moved.state_before = 'completed' AND moved.state <> 'completed' THEN
            UPDATE waves SET state = 'in-progress'
            WHERE wave_id = moved.wave_id AND state = 'completed';
        END IF;
        IF moved.state = 'completed' THEN
            PERFORM governance_complete_what_is_done(program_id)
            FROM waves WHERE wave_id = moved.wave_id;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_tasks AFTER UPDATE ON tasks
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_tasks();
