-- Open an import: until its end this transaction may write history. Only roles that are granted this
-- function may; nobody but the owner writes to its table.
CREATE OR REPLACE FUNCTION programs_open_import() RETURNS void LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    DELETE FROM import_transactions
    WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    INSERT INTO import_transactions VALUES (pg_current_xact_id()::text::bigint)
    ON CONFLICT DO NOTHING;
END;
