DROP TRIGGER governance_no_truncate ON builder_tokens;
DROP TRIGGER governance_token_evidence ON builder_tokens;
DROP FUNCTION governance_token_evidence();
