-- To make a badge's key and to revoke it are acts, and leave evidence about the program or the
-- builder. Of the digest it holds a digest; the key is nowhere.
CREATE OR REPLACE FUNCTION governance_badge_evidence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    badge badge_keys;
    verb text;
    untold CONSTANT text[] := '{revoked_at,organisation_id}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        badge := OLD;
        verb := 'badge_deleted';
    ELSIF TG_OP = 'INSERT' THEN
        badge := NEW;
        verb := 'badge_issued';
    ELSE
        badge := NEW;
        verb := CASE
            WHEN to_jsonb(NEW) - untold <> to_jsonb(OLD) - untold THEN 'badge_edited'
            WHEN NEW.revoked_at IS NOT DISTINCT FROM OLD.revoked_at THEN NULL
            WHEN NEW.revoked_at IS NULL THEN 'badge_restored'
            WHEN OLD.revoked_at IS NULL THEN 'badge_revoked'
            ELSE 'badge_edited'
        END;
    END IF;
    IF verb IS NOT NULL THEN
        INSERT INTO evidence_trail
            (organisation_id, entity_type, entity_id, action, actor, backend, model, witnessed,
            context)
        SELECT badge.organisation_id,
            CASE WHEN badge.program_id IS NULL THEN 'builder' ELSE 'program' END,
            coalesce(badge.program_id, builder_entity_id(badge.builder_id)), verb,
            who.actor, who.backend, who.model, true,
            who.context || jsonb_build_object('snapshot', to_jsonb(badge) - '{digest,organisation_id}'::text[]
                || jsonb_build_object('digest_sha256', encode(sha256(badge.digest), 'hex')))
        FROM governance_actor() AS who;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_badge_evidence AFTER INSERT OR UPDATE OR DELETE ON badge_keys
    FOR EACH ROW EXECUTE FUNCTION governance_badge_evidence();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON badge_keys
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
