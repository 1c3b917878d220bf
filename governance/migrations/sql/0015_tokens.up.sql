-- To issue a token and to revoke it are acts, and leave evidence about their builder. It names the
-- token by its id and its beginning; the digest is in no evidence, and the secret is nowhere.
CREATE FUNCTION governance_token_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    token builder_tokens;
    verb text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        token := OLD;
        verb := 'token_deleted';
    ELSIF TG_OP = 'INSERT' THEN
        token := NEW;
        verb := 'token_issued';
    ELSE
        token := NEW;
        verb := CASE
            WHEN NEW.builder_id <> OLD.builder_id OR NEW.digest <> OLD.digest THEN 'token_edited'
            WHEN NEW.revoked_at IS NOT DISTINCT FROM OLD.revoked_at THEN NULL  -- it was used
            WHEN NEW.revoked_at IS NULL THEN 'token_restored'
            WHEN OLD.revoked_at IS NULL THEN 'token_revoked'
            ELSE 'token_edited'
        END;
    END IF;
    IF verb IS NOT NULL THEN
        INSERT INTO evidence_trail
            (entity_type, entity_id, action, actor, backend, model, context)
        SELECT 'builder', builder_entity_id(token.builder_id), verb,
            who.actor, who.backend, who.model,
            who.context || jsonb_build_object('snapshot', jsonb_build_object(
                'token_id', token.token_id,
                'builder_id', token.builder_id,
                'prefix', token.prefix,
                'created_at', token.created_at,
                'revoked_at', token.revoked_at))
        FROM governance_actor() AS who;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER governance_token_evidence AFTER INSERT OR UPDATE OR DELETE ON builder_tokens
    FOR EACH ROW EXECUTE FUNCTION governance_token_evidence();
CREATE TRIGGER governance_no_truncate BEFORE TRUNCATE ON builder_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
