-- A decision is assigned to a person who can decide it: of an organisation's, an active foreman of that
-- organisation; of what is the office's own, an active foreman of the office. A superuser decides all,
-- and is offered to nobody who works for an organisation.
--
-- It looks past the rights of members, who do not read who has an account: a person of another
-- organisation is refused in the words for a person who does not exist.
CREATE OR REPLACE FUNCTION governance_assignee_decides() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    owner CONSTANT uuid := coalesce(NEW.organisation_id, programs_office_itself());
    is_own CONSTANT boolean := owner = programs_office_itself();
    works_for CONSTANT uuid := nullif(current_setting('foreman.organisation', true), '')::uuid;
BEGIN
    IF NOT EXISTS (
        SELECT FROM auth_user AS person
        WHERE person.username = NEW.assigned_to AND person.is_active AND (
            (person.is_superuser AND (is_own OR works_for IS NULL))
            OR (is_own AND EXISTS (
                SELECT FROM auth_user_groups AS member
                JOIN auth_group AS role ON role.id = member.group_id
                WHERE member.user_id = person.id AND role.name = 'foreman'))
            OR EXISTS (
                SELECT FROM organisation_members AS member
                WHERE member.user_id = person.id AND member.role = 'foreman'
                    AND member.organisation_id = owner))
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
