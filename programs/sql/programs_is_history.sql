-- A transaction may declare that it writes down what has long happened (a plan file's history), if it
-- may import. Evidence keeps that for ever. It holds for rows that it inserts; what exists is
-- changed by the rules, or under an override.
CREATE OR REPLACE FUNCTION programs_is_history() RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(nullif(current_setting('foreman.context', true), ''), '{}')::jsonb ? 'import'
        AND programs_may_import();
END;
