-- What follows from what a run says: when it was made, when it came in, and its status.
--
-- A run was made when its sender says that it ended, and never ahead of the office's clock. A stamp
-- without a zone proves only differences of more than a day; within one, the run counts as made
-- when it came in. History keeps the times that it tells, of which none is ahead either.
--
-- The status is what counts and `against` say. Who leaves it out, or changes what it follows from,
-- need not say it; who says something else is refused by a check.
CREATE OR REPLACE FUNCTION governance_settle_run() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
DECLARE
    said CONSTANT jsonb[] := ARRAY[NEW.against, NEW.remarks];
BEGIN
    IF EXISTS (
        SELECT FROM unnest(said) AS list
        WHERE jsonb_typeof(list) <> 'array'
            OR jsonb_path_exists(list, '$[*] ? (@.type() <> "string")')
            OR list @> '[""]'
    ) THEN
        RAISE EXCEPTION 'against and remarks must each be a list of sentences.'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'qa_executions_sentences',
                TABLE = 'qa_executions', COLUMN = 'against';
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.recorded := nextval('governance_recorded');
        IF programs_is_history() THEN
            NEW.arrived_at := least(coalesce(NEW.arrived_at, NEW.executed_at), now());
        ELSE
            NEW.arrived_at := least(coalesce(NEW.arrived_at, now()), now());
            IF NEW.ended_zone_known OR NEW.ended_at < NEW.arrived_at - interval '1 day' THEN
                NEW.executed_at := coalesce(NEW.ended_at, NEW.executed_at);
            ELSIF NEW.ended_at IS NOT NULL THEN
                NEW.executed_at := NEW.arrived_at;
            END IF;
        END IF;
    ELSE
        NEW.recorded := OLD.recorded;
    END IF;
    IF NEW.executed_at > now() THEN
        NEW.executed_at := now();
    END IF;
    IF NEW.qa_status = '' OR (TG_OP = 'INSERT' AND NEW.qa_status IS NULL)
        OR (TG_OP = 'UPDATE' AND NEW.qa_status = OLD.qa_status)
    THEN
        NEW.qa_status := CASE
            WHEN NEW.passing_tests = 0 THEN 'RED'
            WHEN NEW.passing_tests = NEW.total_tests AND NEW.test_debt_count = 0
                AND NEW.against = '[]' THEN 'GREEN'
            ELSE 'PARTIAL'
        END;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER governance_settle_run BEFORE INSERT OR UPDATE ON qa_executions
    FOR EACH ROW EXECUTE FUNCTION governance_settle_run();
