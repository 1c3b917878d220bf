-- The builders that hold a task of another organisation than the one for which the transaction works.
-- That they are busy is all that it may know of them.
CREATE OR REPLACE FUNCTION builders_busy_elsewhere() RETURNS SETOF varchar
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path FROM CURRENT AS $$
    SELECT builder_id
    FROM builders JOIN tasks ON task_id = current_task_id
    WHERE tasks.organisation_id <> current_user_org_id();
$$;
