-- Which organisations there are, and who belongs to them with which role, in the office log: each
-- change of both by any writer.
--
-- Argument: what the log calls a row of the table.
CREATE OR REPLACE FUNCTION governance_log_organisations() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    noun CONSTANT text := TG_ARGV[0];
    was CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) ELSE '{}' END;
    is_now CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) ELSE '{}' END;
    doc CONSTANT jsonb := was || is_now;
    about jsonb := '{}';
    verb text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'edited' ELSE 'deleted' END;
    named text := doc ->> 'name';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF was = is_now THEN
            RETURN NULL;
        END IF;
        SELECT jsonb_build_object('changes', jsonb_object_agg(key, jsonb_build_array(was -> key, value)))
        INTO about FROM jsonb_each(is_now) WHERE value IS DISTINCT FROM was -> key;
    END IF;
    IF noun = 'organisation_member' THEN
        about := about || jsonb_build_object('role', doc -> 'role', 'organisation', (
            SELECT name FROM organisations WHERE organisation_id = (doc ->> 'organisation_id')::uuid));
        SELECT username INTO named FROM auth_user WHERE id = (doc ->> 'user_id')::bigint;
    END IF;
    INSERT INTO office_log
        (action, actor, username, subject_kind, subject_name, context, witnessed)
    SELECT noun || '_' || verb, who.actor, who.context ->> 'user',
        CASE noun WHEN 'organisation' THEN noun ELSE 'user' END, named,
        who.context - 'user' || about || jsonb_build_object(
            'snapshot', doc, 'database_role', session_user),
        true
    FROM governance_actor() AS who;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_log_organisations AFTER INSERT OR UPDATE OR DELETE ON organisations
    FOR EACH ROW EXECUTE FUNCTION governance_log_organisations('organisation');

CREATE OR REPLACE TRIGGER governance_log_organisations
    AFTER INSERT OR UPDATE OR DELETE ON organisation_members
    FOR EACH ROW EXECUTE FUNCTION governance_log_organisations('organisation_member');

CREATE OR REPLACE TRIGGER governance_key_is_final BEFORE UPDATE OF organisation_id ON organisations
    FOR EACH ROW WHEN (NEW.organisation_id <> OLD.organisation_id) EXECUTE FUNCTION governance_key_is_final();

CREATE OR REPLACE TRIGGER governance_key_is_final
    BEFORE UPDATE OF member_id, organisation_id, user_id ON organisation_members
    FOR EACH ROW WHEN ((NEW.member_id, NEW.organisation_id, NEW.user_id)
        IS DISTINCT FROM (OLD.member_id, OLD.organisation_id, OLD.user_id))
    EXECUTE FUNCTION governance_key_is_final();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON organisations
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON organisation_members
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
