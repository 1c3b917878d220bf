-- Add a line to the office log about what happens in no table: a login, a logout, a failure. It was
-- told by the office, not witnessed by the database. Whoever guesses passwords must not fill the log:
-- of each action an hour has so many lines, and the last of them says that others are left out.
CREATE OR REPLACE FUNCTION governance_note_office(
    what text, whom text, who text, details jsonb
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    most CONSTANT integer := CASE what WHEN 'login_failed' THEN 60 ELSE 600 END;
    listed CONSTANT integer := (
        SELECT count(*) FROM office_log
        WHERE action = what AND timestamp > now() - interval '1 hour');
BEGIN
    IF listed < most THEN
        INSERT INTO office_log
            (action, actor, username, subject_kind, subject_name, context, witnessed)
        VALUES (what, 'foreman', who, 'user', whom, details || CASE WHEN listed = most - 1
            THEN '{"left_out": "further ones of this hour"}' ELSE '{}' END::jsonb, false);
    END IF;
END $$;
