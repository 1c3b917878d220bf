-- A text as a search compares it: in lower case, and of the two ways to write an accent the one. A
-- server may have a locale whose lower() knows ASCII alone, so the capitals of western Europe are
-- named. What is plain ASCII, as most text is, needs none of that.
CREATE OR REPLACE FUNCTION programs_folded(said text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN octet_length(said) = length(said) THEN lower(said)
        ELSE translate(lower(normalize(said, NFC)),
            'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞ', 'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþ')
        END;
END;
