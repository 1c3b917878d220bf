"""Who gets in: sessions, attempts to log in and their limits, and the log lines about both."""
