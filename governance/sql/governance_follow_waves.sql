-- A wave that returns from being blocked is completed if all its tasks are. The last completed wave
-- completes its program, and one that is no longer completed reopens it.
CREATE OR REPLACE FUNCTION governance_follow_waves() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT programs_is_history() THEN
        UPDATE programs SET state = 'in-progress'
        FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
        WHERE programs.program_id = n.program_id AND programs.state = 'completed'
            AND o.state = 'completed' AND n.state <> 'completed';
        PERFORM governance_complete_what_is_done(done.program_id)
        FROM (
            SELECT DISTINCT n.program_id FROM old_rows AS o JOIN new_rows AS n USING (wave_id)
            WHERE n.state <> o.state AND n.state IN ('in-progress', 'completed')
            ORDER BY n.program_id
        ) AS done;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_waves AFTER UPDATE ON waves
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_waves();
