-- Who may enter the office, and do what: each change of users, groups, memberships and permissions
-- leaves a line in the office log, by any writer and by any means. Of a password it says
-- that it changed, and nothing of it; that somebody logged in (last_login) is no change.
--
-- Argument: what the log calls a row of the table.
CREATE OR REPLACE FUNCTION governance_log_access() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    noun CONSTANT text := TG_ARGV[0];
    unspoken CONSTANT text[] := '{password,last_login}';
    was CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) ELSE '{}' END;
    is_now CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) ELSE '{}' END;
    doc CONSTANT jsonb := CASE WHEN TG_OP = 'INSERT' THEN is_now ELSE was END;
    about jsonb := '{}';
    changes jsonb;
    verb text := 'deleted';
    subject text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(was -> key, value)), '{}')
        INTO changes
        FROM jsonb_each(is_now - unspoken) WHERE value IS DISTINCT FROM was -> key;
        IF is_now -> 'password' IS DISTINCT FROM was -> 'password' THEN
            about := '{"password": "changed"}';
            verb := 'password_changed';
        END IF;
        IF changes = '{}' AND about = '{}' THEN
            RETURN NULL;
        ELSIF changes <> '{}' THEN
            verb := 'edited';
            about := about || jsonb_build_object('changes', changes);
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        verb := 'created';
    END IF;
    CASE
        WHEN noun = 'user' THEN
            subject := doc ->> 'username';
        WHEN noun = 'group' THEN
            subject := doc ->> 'name';
        WHEN doc ? 'user_id' THEN
            SELECT username INTO subject FROM auth_user WHERE id = (doc ->> 'user_id')::bigint;
        ELSE
            SELECT name INTO subject FROM auth_group WHERE id = (doc ->> 'group_id')::bigint;
    END CASE;
    IF noun = 'membership' THEN
        about := about || jsonb_build_object('group', (
            SELECT name FROM auth_group WHERE id = (doc ->> 'group_id')::bigint));
    ELSIF doc ? 'permission_id' THEN
        about := about || jsonb_build_object('permission', (
            SELECT codename FROM auth_permission WHERE id = (doc ->> 'permission_id')::bigint));
    END IF;
    INSERT INTO office_log
        (action, actor, username, subject_kind, subject_name, context, witnessed)
    SELECT noun || '_' || verb, who.actor, who.context ->> 'user',
        CASE WHEN noun LIKE 'group%' THEN 'group' ELSE 'user' END,
        coalesce(subject, concat('number ', coalesce(doc ->> 'user_id', doc ->> 'group_id'))),
        who.context - 'user' || about || jsonb_build_object(
            'snapshot', doc - unspoken, 'database_role', session_user),
        true
    FROM governance_actor() AS who;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_log_access AFTER INSERT OR UPDATE OR DELETE ON auth_user
    FOR EACH ROW EXECUTE FUNCTION governance_log_access('user');

CREATE OR REPLACE TRIGGER governance_log_access AFTER INSERT OR UPDATE OR DELETE ON auth_group
    FOR EACH ROW EXECUTE FUNCTION governance_log_access('group');

CREATE OR REPLACE TRIGGER governance_log_access
    AFTER INSERT OR UPDATE OR DELETE ON auth_user_groups
    FOR EACH ROW EXECUTE FUNCTION governance_log_access('membership');

CREATE OR REPLACE TRIGGER governance_log_access
    AFTER INSERT OR UPDATE OR DELETE ON auth_user_user_permissions
    FOR EACH ROW EXECUTE FUNCTION governance_log_access('user_permission');

CREATE OR REPLACE TRIGGER governance_log_access
    AFTER INSERT OR UPDATE OR DELETE ON auth_group_permissions
    FOR EACH ROW EXECUTE FUNCTION governance_log_access('group_permission');

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON auth_user
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON auth_group
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON auth_user_groups
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON auth_user_user_permissions
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON auth_group_permissions
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();
