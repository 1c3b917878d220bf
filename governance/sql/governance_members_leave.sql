-- Memberships end before their organisation or their user is deleted: the office log can name both
-- then, which it could not where the foreign key deletes them.
CREATE OR REPLACE FUNCTION governance_members_leave() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_TABLE_NAME = 'organisations' THEN
        DELETE FROM organisation_members WHERE organisation_id = OLD.organisation_id;
    ELSE
        DELETE FROM organisation_members WHERE user_id = OLD.id;
    END IF;
    RETURN OLD;
END $$;

CREATE OR REPLACE TRIGGER governance_members_leave BEFORE DELETE ON organisations
    FOR EACH ROW EXECUTE FUNCTION governance_members_leave();

CREATE OR REPLACE TRIGGER governance_members_leave BEFORE DELETE ON auth_user
    FOR EACH ROW EXECUTE FUNCTION governance_members_leave();
