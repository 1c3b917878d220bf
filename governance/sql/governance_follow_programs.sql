-- A program that returns from being blocked is completed if all its waves are.
CREATE OR REPLACE FUNCTION governance_follow_programs() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT programs_is_history() THEN
        PERFORM governance_complete_what_is_done(done.program_id)
        FROM (
            SELECT n.program_id FROM old_rows AS o JOIN new_rows AS n USING (program_id)
            WHERE n.state <> o.state AND n.state = 'in-progress'
            ORDER BY n.program_id
        ) AS done;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_follow_programs AFTER UPDATE ON programs
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_follow_programs();
