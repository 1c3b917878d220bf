-- A time as sealed rows have it: UTC with microseconds, whatever the session's zone and style.
CREATE OR REPLACE FUNCTION governance_leaf_time(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN isfinite(moment) THEN
            to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || CASE WHEN moment < '0001-01-01 00:00:00+00' THEN ' BC' ELSE '' END
        ELSE moment::text
    END;
END;
