-- Refuse what a wave's gates do not allow. What the conditions read is locked first, in the order
-- of governance_tasks_gate.
CREATE OR REPLACE FUNCTION governance_waves_gate() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.state = OLD.state OR NEW.state NOT IN ('in-progress', 'completed') THEN
        RETURN NULL;
    END IF;
    IF jsonb_typeof(NEW.dependencies) = 'array' THEN
        PERFORM 1 FROM waves
        WHERE program_id = NEW.program_id
            AND wave_id::text IN (SELECT jsonb_array_elements_text(NEW.dependencies))
        ORDER BY wave_id FOR SHARE;
    END IF;
    PERFORM 1 FROM programs WHERE program_id = NEW.program_id FOR NO KEY UPDATE;
    IF NOT programs_is_forced() THEN
        PERFORM governance_refuse('wave', NEW.wave_id, OLD.state, NEW.state, NULL);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_waves_gate AFTER UPDATE ON waves
    FOR EACH ROW EXECUTE FUNCTION governance_waves_gate();
