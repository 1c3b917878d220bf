-- A blocker blocks: what it names, and is planned or under way, becomes blocked.
CREATE OR REPLACE FUNCTION governance_block(kind text, id uuid) RETURNS void LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE programs SET state = 'blocked'
    WHERE kind = 'program' AND program_id = id AND state IN ('planned', 'in-progress');
    UPDATE waves SET state = 'blocked'
    WHERE kind = 'wave' AND wave_id = id AND state IN ('planned', 'in-progress');
    UPDATE tasks SET state = 'blocked'
    WHERE kind = 'task' AND task_id = id AND state IN ('planned', 'assigned', 'in-progress');
END $$;
