-- A note stays as it was written. It may be withdrawn once, with a reason, and stays as withdrawn.
CREATE OR REPLACE FUNCTION governance_notes_stay() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    of_withdrawal CONSTANT text[] := '{withdrawn_at,withdrawn_by,withdrawn_because}';
    said text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - of_withdrawal <> to_jsonb(OLD) - of_withdrawal THEN
            said := 'A note stays as it was written: withdraw it, and write another.';
        ELSIF OLD.withdrawn_at IS NOT NULL THEN
            said := 'The note is withdrawn already.';
        END IF;
    END IF;
    IF NEW.withdrawn_at IS NULL THEN
        IF NEW.withdrawn_by <> '' OR NEW.withdrawn_because <> '' THEN
            said := coalesce(said, 'A note that is not withdrawn has no reason for it.');
        END IF;
    ELSIF NEW.withdrawn_by = '' OR NEW.withdrawn_because !~ '\S' THEN
        said := coalesce(said, 'A note is withdrawn with a name and a reason.');
    END IF;
    IF said IS NOT NULL THEN
        RAISE EXCEPTION '%', said USING ERRCODE = 'check_violation',
            CONSTRAINT = 'governance_notes_stay', TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_notes_stay BEFORE INSERT OR UPDATE ON task_notes
    FOR EACH ROW EXECUTE FUNCTION governance_notes_stay();

CREATE OR REPLACE TRIGGER governance_notes_stay BEFORE INSERT OR UPDATE ON entity_notes
    FOR EACH ROW EXECUTE FUNCTION governance_notes_stay();
