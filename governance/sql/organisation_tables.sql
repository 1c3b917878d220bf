-- What every table with rows of an organisation gets that are about something else. This file is
-- written once for each row of organisation_tables.csv: a new table of that kind is a new row there.
--
-- table    the table
-- about    the kind of what a row is about: program, wave, task, run, or an entity that it names
-- key      the column of its id
--
-- Tables that only functions of the owner write say the organisation with the row; the tests of a
-- run, of which there are very many, are checked with it (governance_keep_test_names).
CREATE OR REPLACE TRIGGER governance_organisation_filled BEFORE INSERT ON $table
    FOR EACH ROW EXECUTE FUNCTION governance_organisation_filled('$about', '$key');

CREATE OR REPLACE TRIGGER governance_organisation_stays BEFORE UPDATE OF organisation_id, $key ON $table
    FOR EACH ROW WHEN (
        OLD.organisation_id IS DISTINCT FROM NEW.organisation_id OR OLD.$key IS DISTINCT FROM NEW.$key
    )
    EXECUTE FUNCTION governance_organisation_stays('$about', '$key');
