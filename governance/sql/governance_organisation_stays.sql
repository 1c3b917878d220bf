-- Nothing moves from one organisation to another but a program, with all that hangs on it
-- (governance_program_moved). What is now about something else must be about what belongs to the same
-- organisation; it looks past row level security to say so.
--
-- Arguments: as of governance_organisation_filled.
CREATE OR REPLACE FUNCTION governance_organisation_stays() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    about CONSTANT uuid := (to_jsonb(NEW) ->> TG_ARGV[1])::uuid;
    kind CONSTANT text :=
        CASE TG_ARGV[0] WHEN 'entity' THEN to_jsonb(NEW) ->> 'entity_type' ELSE TG_ARGV[0] END;
BEGIN
    IF NEW.organisation_id IS DISTINCT FROM OLD.organisation_id
        OR governance_organisation_of(kind, about) <> OLD.organisation_id
    THEN
        RAISE EXCEPTION 'This belongs to an organisation, and only whole programs move to another.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_organisation_stays',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
