-- Whether a trigger writes to a table on behalf of the table's owner: only rules that are SECURITY
-- DEFINER do, where the office and others write with roles of their own. That a trigger is at work
-- proves nothing alone: any writer may have one on a temporary table.
CREATE OR REPLACE FUNCTION programs_is_by_rule(relation oid) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT pg_trigger_depth() > 1 AND pg_get_userbyid(relowner) = current_user
    FROM pg_class WHERE oid = relation;
END;
