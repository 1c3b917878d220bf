-- At most two tokens of a builder are valid for an organisation, or for the whole office, so that a token
-- can be replaced without a gap.
CREATE OR REPLACE FUNCTION builders_builder_tokens_two_valid() RETURNS trigger
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    -- Locked before counting, so that the second of two at once sees the first.
    PERFORM FROM builders WHERE builder_id = NEW.builder_id FOR NO KEY UPDATE;
    IF (
        SELECT count(*) FROM builder_tokens
        WHERE builder_id = NEW.builder_id AND revoked_at IS NULL AND token_id <> NEW.token_id
            AND organisation_id IS NOT DISTINCT FROM NEW.organisation_id
    ) >= 2 THEN
        RAISE EXCEPTION 'The builder % has two valid tokens: revoke one first.', NEW.builder_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'builders_builder_tokens_two_valid',
                TABLE = 'builder_tokens';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER builders_builder_tokens_two_valid
    BEFORE INSERT OR UPDATE OF builder_id, revoked_at ON builder_tokens
    FOR EACH ROW WHEN (NEW.revoked_at IS NULL)
    EXECUTE FUNCTION builders_builder_tokens_two_valid();
