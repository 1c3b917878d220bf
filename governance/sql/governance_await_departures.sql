-- Before each statement that moves or deletes parts: governance_follow_departures then checks each
-- parent again.
CREATE OR REPLACE FUNCTION governance_await_departures() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM set_config('foreman.departures', '', true);
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF wave_id ON tasks
    FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();

CREATE OR REPLACE TRIGGER governance_await_departures BEFORE DELETE OR UPDATE OF program_id ON waves
    FOR EACH STATEMENT EXECUTE FUNCTION governance_await_departures();
