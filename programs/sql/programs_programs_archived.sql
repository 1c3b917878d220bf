-- A program is archived, and taken out of the archive, only for a reason. An archived one stays as it
-- is until then: it is not deleted, and nothing of it is changed but that.
CREATE OR REPLACE FUNCTION programs_programs_archived() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.archived_at IS NULL THEN
        IF programs_reason() IS NULL THEN
            RAISE EXCEPTION 'Enter a reason to archive program "%".', OLD.name
                USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_archived',
                    TABLE = 'programs', COLUMN = 'archived_at';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR NEW.archived_at IS NOT NULL
        OR to_jsonb(NEW) - '{archived_at,updated_at}'::text[]
            <> to_jsonb(OLD) - '{archived_at,updated_at}'::text[]
    THEN
        RAISE EXCEPTION 'Program "%" is archived: take it out of the archive first.', OLD.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_archived',
                TABLE = 'programs', COLUMN = 'archived_at';
    END IF;
    IF programs_reason() IS NULL THEN
        RAISE EXCEPTION 'Enter a reason to take program "%" out of the archive.', OLD.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_programs_archived',
                TABLE = 'programs', COLUMN = 'archived_at';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER programs_programs_archived BEFORE UPDATE ON programs
    FOR EACH ROW
    WHEN (OLD.archived_at IS NOT NULL OR OLD.archived_at IS DISTINCT FROM NEW.archived_at)
    EXECUTE FUNCTION programs_programs_archived();

CREATE OR REPLACE TRIGGER programs_programs_archived_deleted BEFORE DELETE ON programs
    FOR EACH ROW WHEN (OLD.archived_at IS NOT NULL)
    EXECUTE FUNCTION programs_programs_archived();
