from django.urls import reverse


def test_every_page_comes_with_the_strict_policy(client):
    answer = client.get(reverse("login"))
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_scripts_cannot_read_our_cookies(client):
    cookie = client.get(reverse("login")).cookies["csrftoken"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_host_that_is_not_ours_is_refused(client):
    assert client.get(reverse("login"), headers={"host": "elsewhere.example"}).status_code == 400
