-- After a statement on a table, whose rows are of the kind TG_ARGV[0]. Columns in TG_ARGV[1] say
-- nothing by themselves, or are told with the rows that they follow from.
CREATE OR REPLACE FUNCTION governance_announce() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    untold CONSTANT text[] := TG_ARGV[1];
    docs jsonb[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        docs := ARRAY(SELECT to_jsonb(old_rows) FROM old_rows LIMIT 21);
    ELSE
        docs := ARRAY(SELECT to_jsonb(new_rows) FROM new_rows LIMIT 21);
        IF TG_OP = 'UPDATE' AND cardinality(docs) <= 20 THEN
            docs := ARRAY(
                SELECT doc FROM (
                    SELECT to_jsonb(new_rows) - untold FROM new_rows
                    UNION ALL SELECT to_jsonb(old_rows) - untold FROM old_rows
                ) AS rows (doc)
                GROUP BY doc HAVING count(*) = 1  -- before and after are not the same
            );
        END IF;
    END IF;
    PERFORM governance_announce_rows(TG_ARGV[0], docs);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON evidence_trail
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('evidence', '{}');
