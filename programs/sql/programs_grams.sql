-- The grams of a text: each three bytes that follow each other, as a number. A text contains another
-- only if it has all of its grams, which an index of them tells for any three bytes: two letters with
-- an umlaut, or one character of Chinese. Letters, digits and signs are treated alike, so that paths
-- and names of code are found by any part of them.
--
-- It is dear, and said to be: a planner shall ask the index, and not compute it row by row.
CREATE OR REPLACE FUNCTION programs_grams(said text) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000
BEGIN ATOMIC
    SELECT coalesce(array_agg(
        get_byte(own.bytes, place) * 65536 + get_byte(own.bytes, place + 1) * 256
            + get_byte(own.bytes, place + 2)), '{}')
    FROM (
        SELECT decode(replace(programs_folded(said), '\', '\\'), 'escape') AS bytes OFFSET 0
    ) AS own
    CROSS JOIN generate_series(0, length(own.bytes) - 3) AS place;
END;
