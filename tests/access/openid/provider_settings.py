"""The settings of a provider of logins, django-oauth-toolkit: for a process of its own."""

import os

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

DIRECTORY, ISSUER = os.environ["PROVIDER_DIRECTORY"], os.environ["PROVIDER_ISSUER"]
SECRET_KEY = "of the provider"
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{DIRECTORY}/provider.sqlite",
        # Of several at once each waits its turn, instead of failing in the middle.
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 60},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "tests.access.openid.provider_urls"
LOGIN_URL = "/login/"
USE_TZ = True
FORM = '<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form>'
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.locmem.Loader", {"registration/login.html": FORM})
            ]
        },
    }
]
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": ISSUER,
    "OIDC_RSA_PRIVATE_KEY": rsa.generate_private_key(65537, 2048)
    .private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    .decode(),
    "OAUTH2_VALIDATOR_CLASS": "tests.access.openid.claims.ToldClaims",
    "SCOPES": {"openid": "who you are", "profile": "your name"},
    "PKCE_REQUIRED": True,
}
