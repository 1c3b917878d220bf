-- The builder that a token belongs to, or NULL. `last_used_at` is written once a minute at most, so
-- that a heartbeat does not write a second row.
CREATE OR REPLACE FUNCTION builders_authenticate(token_digest bytea) RETURNS text
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    token builder_tokens;
BEGIN
    SELECT * INTO token FROM builder_tokens WHERE digest = token_digest AND revoked_at IS NULL;
    IF coalesce(token.last_used_at, '-infinity') < now() - interval '1 minute' THEN
        UPDATE builder_tokens SET last_used_at = now()
        WHERE token_id = token.token_id
            AND coalesce(last_used_at, '-infinity') < now() - interval '1 minute';
    END IF;
    RETURN token.builder_id;
END $$;
