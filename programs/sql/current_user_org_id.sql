-- The organisation for which this transaction works, by the specification's name (section 5). The
-- policies of the role `member` ask it (foreman_office/database_roles/policies.py), once for each
-- statement. A query that nobody set it for fails: no answer would look like an empty office.
CREATE OR REPLACE FUNCTION current_user_org_id() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path FROM CURRENT AS $$
DECLARE
    -- Empty, not NULL, in a session that had one in an earlier transaction.
    organisation CONSTANT text := nullif(current_setting('foreman.organisation', true), '');
BEGIN
    IF organisation IS NULL THEN
        RAISE EXCEPTION 'foreman.organisation is not set in this transaction.'
            USING ERRCODE = 'insufficient_privilege',
                HINT = 'set_config(''foreman.organisation'', ORGANISATION, true) comes first.';
    END IF;
    RETURN organisation::uuid;
END $$;
