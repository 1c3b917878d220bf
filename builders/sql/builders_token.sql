-- The valid token of a builder that has this digest; a row of NULLs if there is none. `last_used_at` is
-- written once a minute at most, so that a heartbeat does not write a second row.
CREATE OR REPLACE FUNCTION builders_token(token_digest bytea) RETURNS builder_tokens
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
    RETURN token;
END $$;
