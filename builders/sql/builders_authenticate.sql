-- The builder that a token belongs to, or NULL.
CREATE OR REPLACE FUNCTION builders_authenticate(token_digest bytea) RETURNS text
LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    RETURN (builders_token(token_digest)).builder_id;
END $$;
