-- Evidence refers to an entity by its key, so a key cannot be changed.
CREATE OR REPLACE FUNCTION governance_key_is_final() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'The id of a row cannot be changed: evidence refers to it.'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_key_is_final',
            TABLE = TG_TABLE_NAME;
END $$;
