"""An application for a real web server: it answers at once, with more than a client may take."""

from threading import Event

LARGE = b"x" * 2**24
go = Event()


def app(environ, start_response):
    if environ["PATH_INFO"] == "/hold":
        go.wait(60)
    elif environ["PATH_INFO"] == "/fail":
        raise LookupError("of the application")
    elif environ["QUERY_STRING"] == "go":
        go.set()
    body = LARGE if environ["PATH_INFO"] == "/large" else b"ok"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
