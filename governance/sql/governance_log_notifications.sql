-- Who took on a decision, gave it back, put it off or assigned it, and how channels and rules of
-- notifications changed, in the office log, by any writer. Of a channel it says neither address nor
-- secret.
--
-- Argument: what the log calls a row of the table.
CREATE OR REPLACE FUNCTION governance_log_notifications() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    noun CONSTANT text := TG_ARGV[0];
    unspoken CONSTANT text[] := '{address_encrypted,secret_encrypted}';
    was CONSTANT jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) ELSE '{}' END;
    is_now CONSTANT jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) ELSE '{}' END;
    doc CONSTANT jsonb := (CASE WHEN TG_OP = 'DELETE' THEN was ELSE is_now END) - unspoken;
    about jsonb := '{}';
    verbs text[] := '{deleted}';
    subject text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        verbs := '{created}';
    ELSIF TG_OP = 'UPDATE' THEN
        verbs := '{edited}';
        SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(was -> key, value)), '{}')
        INTO about
        FROM jsonb_each(is_now - unspoken) WHERE value IS DISTINCT FROM was -> key;
        about := jsonb_build_object('changes', about);
        IF is_now -> 'address_encrypted' IS DISTINCT FROM was -> 'address_encrypted' THEN
            about := about || '{"address": "changed"}';
        END IF;
    END IF;
    IF noun = 'decision' THEN
        verbs := array_remove(ARRAY[
            CASE WHEN is_now -> 'acknowledged_at' IS DISTINCT FROM was -> 'acknowledged_at' THEN
                CASE WHEN is_now ->> 'acknowledged_at' IS NULL
                    THEN 'given_back' ELSE 'acknowledged' END END,
            CASE WHEN is_now -> 'snoozed_at' IS DISTINCT FROM was -> 'snoozed_at' THEN
                CASE WHEN is_now ->> 'snoozed_at' IS NULL
                    THEN 'snooze_ended' ELSE 'snoozed' END END,
            CASE WHEN is_now -> 'assigned_at' IS DISTINCT FROM was -> 'assigned_at' THEN
                CASE WHEN is_now ->> 'assigned_at' IS NULL
                    THEN 'unassigned' ELSE 'assigned' END END], NULL);
        about := jsonb_build_object('decision', doc ->> 'key');
        subject := concat_ws(': ', nullif(doc ->> 'entity_name', ''), doc ->> 'title');
    ELSIF noun = 'channel' THEN
        subject := doc ->> 'name';
    ELSE
        SELECT username INTO subject FROM auth_user WHERE id = (doc ->> 'user_id')::bigint;
    END IF;
    INSERT INTO office_log
        (action, actor, username, subject_kind, subject_name, context, witnessed, organisation_id)
    SELECT noun || '_' || verb, who.actor, who.context ->> 'user', noun,
        coalesce(subject, 'the office'),
        who.context - 'user' || about || CASE
            WHEN verb = 'snoozed' THEN jsonb_build_object(
                'until', coalesce(doc ->> 'snoozed_until', 'it gets worse'))
            WHEN verb = 'assigned' THEN jsonb_build_object('to', doc ->> 'assigned_to')
            WHEN noun = 'decision' THEN '{}'
            ELSE jsonb_build_object('snapshot', doc) END
            || jsonb_build_object('database_role', session_user),
        true, (doc ->> 'organisation_id')::uuid
    FROM governance_actor() AS who, unnest(verbs) AS verb;
    IF noun = 'decision' THEN
        PERFORM pg_notify('foreman', '*');  -- who has it stands on the cards of several pages
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_log_notifications
    AFTER UPDATE ON notices
    FOR EACH ROW WHEN ((NEW.acknowledged_at, NEW.snoozed_at, NEW.assigned_at)
        IS DISTINCT FROM (OLD.acknowledged_at, OLD.snoozed_at, OLD.assigned_at))
    EXECUTE FUNCTION governance_log_notifications('decision');

CREATE OR REPLACE TRIGGER governance_log_notifications
    AFTER INSERT OR UPDATE OR DELETE ON notification_channels
    FOR EACH ROW EXECUTE FUNCTION governance_log_notifications('channel');

CREATE OR REPLACE TRIGGER governance_log_notifications
    AFTER INSERT OR UPDATE OR DELETE ON notification_rules
    FOR EACH ROW EXECUTE FUNCTION governance_log_notifications('notification_rule');
