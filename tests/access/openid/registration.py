"""What the provider and the office both know."""

CLIENT_ID, CLIENT_SECRET = "the-office", "a secret of both, long enough for a signature with it"
USERS = ("ada", "ben")
CALLBACKS = [
    f"http://{host}/login/openid/callback/" for host in ("testserver", "127.0.0.1", "localhost")
]
