-- A transaction may declare a reason to force what the rules would refuse. Evidence keeps it for ever.
-- Blanks are no reason.
CREATE OR REPLACE FUNCTION programs_is_forced() RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(current_setting('foreman.override', true), '') ~ '\S';
END;
