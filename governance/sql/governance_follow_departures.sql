-- Moving or deleting the last uncompleted part completes the parent. Checked at the end of the
-- transaction: if the parent is deleted too, there is nothing to complete.
CREATE OR REPLACE FUNCTION governance_follow_departures() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    asked CONSTANT text := coalesce(current_setting('foreman.departures', true), '');
    places uuid[];
BEGIN
    IF programs_is_history() THEN
        RETURN NULL;
    END IF;
    -- Rows with the same parents before and after are checked once.
    IF TG_TABLE_NAME = 'tasks' THEN
        places := ARRAY[OLD.wave_id, NEW.wave_id];
    ELSE
        places := ARRAY[OLD.program_id, NEW.program_id];
    END IF;
    IF strpos(asked, places::text) > 0 THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('foreman.departures', asked || places::text, true);

    -- Locked before the check: of the last two that leave at once, the later sees that the earlier
    -- left.
    IF TG_TABLE_NAME = 'tasks' THEN
        PERFORM 1 FROM waves WHERE wave_id = ANY (places) ORDER BY wave_id FOR NO KEY UPDATE;
        PERFORM governance_complete_what_is_done(program_id)
        FROM waves WHERE wave_id = ANY (places) AND state = 'in-progress';
    ELSE
        PERFORM 1 FROM programs WHERE program_id = ANY (places)
        ORDER BY program_id FOR NO KEY UPDATE;
        PERFORM governance_complete_what_is_done(program_id)
        FROM programs WHERE program_id = ANY (places) AND state = 'in-progress';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER governance_follow_departures
    AFTER DELETE OR UPDATE OF wave_id ON tasks DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();

CREATE CONSTRAINT TRIGGER governance_follow_departures
    AFTER DELETE OR UPDATE OF program_id ON waves DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_follow_departures();
