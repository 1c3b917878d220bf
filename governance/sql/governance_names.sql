-- The first three of these names, and how many more there are.
CREATE OR REPLACE FUNCTION governance_names(names text[]) RETURNS text LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT array_to_string(names[1:3], ', ')
        || CASE WHEN cardinality(names) > 3
            THEN format(' and %s more', cardinality(names) - 3) ELSE '' END;
END;
