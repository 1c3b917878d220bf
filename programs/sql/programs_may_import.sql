-- Whether this transaction may write history: it has opened an import (programs_open_import).
CREATE OR REPLACE FUNCTION programs_may_import() RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (
        SELECT FROM import_transactions
        WHERE transaction_id = pg_current_xact_id_if_assigned()::text::bigint
    );
END;
