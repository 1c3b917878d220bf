-- An absence of the office excuses the silence of builders. It is noted by governance_note_absences,
-- which runs as the table's owner, whatever another role was granted on the table.
CREATE OR REPLACE FUNCTION builders_absences_are_noted() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_class WHERE oid = TG_RELID AND pg_get_userbyid(relowner) = current_user
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'An absence of the office is noted by the watcher alone.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_absences_are_noted',
            TABLE = TG_TABLE_NAME;
END $$;

CREATE OR REPLACE TRIGGER builders_absences_are_noted
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON office_absences
    FOR EACH STATEMENT EXECUTE FUNCTION builders_absences_are_noted();
