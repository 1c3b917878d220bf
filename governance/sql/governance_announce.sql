-- After a statement on a table, whose rows are of the kind TG_ARGV[0]. Columns in TG_ARGV[1] say
-- nothing by themselves, or are told with the rows that they follow from. Of more than twenty rows
-- no more is announced than that everything changed, to the organisations whose rows they are.
CREATE OR REPLACE FUNCTION governance_announce() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    untold CONSTANT text[] := TG_ARGV[1];
    docs jsonb[];
    owner uuid;
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
    IF cardinality(docs) <= 20 THEN  -- more topics might not go into the 8000 bytes of a payload
        PERFORM governance_announce_rows(TG_ARGV[0], docs);
    ELSIF docs[1] ? 'organisation_id' THEN
        FOR owner IN EXECUTE format(
            'SELECT DISTINCT coalesce(organisation_id, programs_office_itself()) FROM %I',
            CASE TG_OP WHEN 'DELETE' THEN 'old_rows' ELSE 'new_rows' END)
        LOOP
            PERFORM pg_notify('foreman', owner || ' *');
        END LOOP;
    ELSE
        PERFORM pg_notify('foreman', '*');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON evidence_trail
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_announce('evidence', '{}');
