-- Contract 6.1: updated_at, for any writer. The function is that of the plan's tables.
CREATE OR REPLACE TRIGGER builders_updated_at BEFORE UPDATE ON builders
    FOR EACH ROW EXECUTE FUNCTION update_updated_at();
