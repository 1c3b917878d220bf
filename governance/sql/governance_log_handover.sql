-- Who has read the handover, up to which place, in the office log, by any writer.
CREATE OR REPLACE FUNCTION governance_log_handover() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO office_log
        (action, actor, username, subject_kind, subject_name, context, witnessed)
    SELECT 'handover_read', who.actor, who.context ->> 'user', 'user',
        coalesce((SELECT username FROM auth_user WHERE id = NEW.user_id),
            concat('number ', NEW.user_id)),
        who.context - 'user' || jsonb_build_object('place', NEW.place,
            'before', CASE WHEN TG_OP = 'UPDATE' THEN OLD.place END,
            'database_role', session_user),
        true
    FROM governance_actor() AS who;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_log_handover AFTER INSERT OR UPDATE ON handover_readings
    FOR EACH ROW EXECUTE FUNCTION governance_log_handover();
