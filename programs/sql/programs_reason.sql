-- The reason that the transaction gives for what it does: of an override, or with the act; NULL where
-- it gives none. Evidence keeps it.
CREATE OR REPLACE FUNCTION programs_reason() RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        nullif(btrim(current_setting('foreman.override', true), E' \t\n\r'), ''),
        nullif(btrim(
            nullif(current_setting('foreman.context', true), '')::jsonb ->> 'reason', E' \t\n\r'
        ), '')
    );
END;
