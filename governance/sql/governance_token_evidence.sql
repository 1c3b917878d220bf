-- To issue a token and to revoke it are acts, and leave evidence about their builder. It names the
-- token by its id and its beginning; of the digest, which no evidence has, it holds a digest, by which
-- an exchanged one is noticed. The secret is nowhere. The token of an organisation is its organisation's
-- affair.
CREATE OR REPLACE FUNCTION governance_token_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
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
            (organisation_id, entity_type, entity_id, action, actor, backend, model, witnessed,
            context)
        SELECT coalesce(token.organisation_id, programs_office_itself()),
            'builder', builder_entity_id(token.builder_id), verb,
            who.actor, who.backend, who.model, true,
            who.context || jsonb_build_object('snapshot', jsonb_build_object(
                'token_id', token.token_id,
                'builder_id', token.builder_id,
                'organisation_id', token.organisation_id,
                'prefix', token.prefix,
                'created_at', token.created_at,
                'revoked_at', token.revoked_at,
                'digest_sha256', encode(sha256(token.digest), 'hex')))
        FROM governance_actor() AS who;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_token_evidence
    AFTER INSERT OR UPDATE OR DELETE ON builder_tokens
    FOR EACH ROW EXECUTE FUNCTION governance_token_evidence();
