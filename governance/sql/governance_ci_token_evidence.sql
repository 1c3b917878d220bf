-- To issue a CI token and to revoke it are acts, and leave evidence: about each program that it is
-- for; about the token itself, as no program of its own, where it is for all programs or for none
-- that exists; if it is of an organisation, about that one's programs alone. Of the digest, which no evidence has, it holds a digest; the secret is nowhere.
CREATE OR REPLACE FUNCTION governance_ci_token_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    token ci_tokens;
    verb text;
    subjects uuid[];
    owner uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN
        token := OLD;
        verb := 'ci_token_deleted';
    ELSIF TG_OP = 'INSERT' THEN
        token := NEW;
        verb := 'ci_token_issued';
    ELSE
        token := NEW;
        verb := CASE
            WHEN to_jsonb(NEW) - '{last_used_at,revoked_at}'::text[]
                <> to_jsonb(OLD) - '{last_used_at,revoked_at}'::text[] THEN 'ci_token_edited'
            WHEN NEW.revoked_at IS NOT DISTINCT FROM OLD.revoked_at THEN NULL  -- it was used
            WHEN NEW.revoked_at IS NULL THEN 'ci_token_restored'
            WHEN OLD.revoked_at IS NULL THEN 'ci_token_revoked'
            ELSE 'ci_token_edited'
        END;
    END IF;
    IF verb IS NOT NULL THEN
        subjects := ARRAY(
            SELECT program_id FROM programs
            WHERE token.program_ids ? program_id::text
                AND (token.organisation_id IS NULL OR organisation_id = token.organisation_id));
        -- What is about programs of several organisations is the whole office's.
        SELECT CASE WHEN token.organisation_id IS NOT NULL THEN token.organisation_id
            ELSE CASE count(DISTINCT its.organisation_id) WHEN 1 THEN (array_agg(its.organisation_id))[1]
            ELSE programs_office_itself() END END
        INTO owner
        FROM unnest(subjects) AS subject (id)
        CROSS JOIN LATERAL (SELECT governance_organisation_of('program', subject.id)) AS its
            (organisation_id);
        INSERT INTO evidence_trail
            (organisation_id, entity_type, entity_id, action, actor, backend, model, witnessed,
            context)
        SELECT owner, 'program', subject.id, verb, who.actor, who.backend, who.model, true,
            who.context || jsonb_build_object('snapshot', to_jsonb(token) - 'digest'
                || jsonb_build_object('digest_sha256', encode(sha256(token.digest), 'hex')))
        FROM unnest(CASE subjects WHEN '{}' THEN ARRAY[token.token_id] ELSE subjects END)
            AS subject (id)
        CROSS JOIN governance_actor() AS who;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_ci_token_evidence
    AFTER INSERT OR UPDATE OR DELETE ON ci_tokens
    FOR EACH ROW EXECUTE FUNCTION governance_ci_token_evidence();
