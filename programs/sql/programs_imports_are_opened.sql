-- An import is opened by its function, whatever a role was granted on the table.
CREATE OR REPLACE FUNCTION programs_imports_are_opened() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_class WHERE oid = TG_RELID AND pg_get_userbyid(relowner) = current_user
    ) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'An import is opened by programs_open_import().'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'programs_imports_are_opened',
            TABLE = TG_TABLE_NAME;
END $$;

CREATE OR REPLACE TRIGGER programs_imports_are_opened
    BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON import_transactions
    FOR EACH STATEMENT EXECUTE FUNCTION programs_imports_are_opened();
