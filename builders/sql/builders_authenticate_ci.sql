-- The CI token of a digest, or NULL if it was revoked or has ended. `last_used_at` is written once
-- a minute at most.
CREATE OR REPLACE FUNCTION builders_authenticate_ci(token_digest bytea) RETURNS uuid
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    token ci_tokens;
BEGIN
    SELECT * INTO token FROM ci_tokens
    WHERE digest = token_digest AND revoked_at IS NULL AND coalesce(ends_at, 'infinity') > now();
    IF coalesce(token.last_used_at, '-infinity') < now() - interval '1 minute' THEN
        UPDATE ci_tokens SET last_used_at = now()
        WHERE token_id = token.token_id
            AND coalesce(last_used_at, '-infinity') < now() - interval '1 minute';
    END IF;
    RETURN token.token_id;
END $$;
