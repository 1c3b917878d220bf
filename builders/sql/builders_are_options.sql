-- Whether these are options of a question: at most ten different texts of 1 to 500 characters.
CREATE OR REPLACE FUNCTION builders_are_options(options jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN jsonb_typeof(options) = 'array' THEN (
        SELECT count(*) <= 10 AND count(*) = count(DISTINCT each) AND coalesce(bool_and(
            jsonb_typeof(each) = 'string' AND each #>> '{}' ~ '\S'
                AND char_length(each #>> '{}') <= 500), true)
        FROM jsonb_array_elements(options) AS each
    ) ELSE false END;
END;
