-- CI tokens leave evidence by a function of their own (governance_ci_token_evidence), in which no
-- digest stands. That one was used says nothing by itself.
CREATE OR REPLACE TRIGGER governance_no_truncate BEFORE TRUNCATE ON ci_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION governance_no_truncate();

CREATE OR REPLACE TRIGGER governance_announce_inserted AFTER INSERT ON ci_tokens
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

CREATE OR REPLACE TRIGGER governance_announce_updated AFTER UPDATE ON ci_tokens
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');

CREATE OR REPLACE TRIGGER governance_announce_deleted AFTER DELETE ON ci_tokens
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION governance_announce('token', '{last_used_at}');
