-- A decision is assigned to a person who can decide: an active foreman or superuser.
CREATE OR REPLACE FUNCTION governance_assignee_decides() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM auth_user AS person
        WHERE person.username = NEW.assigned_to AND person.is_active AND (
            person.is_superuser OR EXISTS (
                SELECT FROM auth_user_groups AS member
                JOIN auth_group AS role ON role.id = member.group_id
                WHERE member.user_id = person.id AND role.name = 'foreman'))
    ) THEN
        RAISE EXCEPTION '% cannot decide: choose a foreman.', NEW.assigned_to
            USING ERRCODE = 'check_violation', CONSTRAINT = 'governance_assignee_decides',
                TABLE = TG_TABLE_NAME, COLUMN = 'assigned_to';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_assignee_decides BEFORE UPDATE ON notices
    FOR EACH ROW WHEN (NEW.assigned_at IS DISTINCT FROM OLD.assigned_at AND NEW.assigned_to <> '')
    EXECUTE FUNCTION governance_assignee_decides();
