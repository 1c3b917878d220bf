-- The same for tables whose rows are about nothing in particular: they belong to the organisation for
-- which they were made.
CREATE OR REPLACE TRIGGER governance_organisation_filled BEFORE INSERT ON $table
    FOR EACH ROW EXECUTE FUNCTION governance_organisation_filled('none');

CREATE OR REPLACE TRIGGER governance_organisation_stays BEFORE UPDATE OF organisation_id ON $table
    FOR EACH ROW WHEN (OLD.organisation_id IS DISTINCT FROM NEW.organisation_id)
    EXECUTE FUNCTION governance_organisation_stays('none');
