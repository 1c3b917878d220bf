-- The first three sentences of a list, and how many more there are; NULL for none.
CREATE OR REPLACE FUNCTION governance_sentences(list jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT string_agg(sentence, ' ' ORDER BY number) FILTER (WHERE number <= 3)
        || CASE WHEN count(*) > 3 THEN format(' And %s more.', count(*) - 3) ELSE '' END
    FROM jsonb_array_elements_text(list) WITH ORDINALITY AS said (sentence, number);
END;
