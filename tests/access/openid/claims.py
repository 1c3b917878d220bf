"""What the provider says of its users: what a test wrote into a file, right or wrong."""

import json
from pathlib import Path

from django.conf import settings
from oauth2_provider.oauth2_validators import OAuth2Validator


class ToldClaims(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self, request):
        return {"preferred_username": request.user.username}

    def finalize_id_token(self, id_token, token, token_handler, request):
        self.told = json.loads(Path(settings.DIRECTORY, "claims.json").read_text())
        return super().finalize_id_token(id_token, token, token_handler, request)

    def get_id_token_dictionary(self, token, token_handler, request):
        claims, expires = super().get_id_token_dictionary(token, token_handler, request)
        claims |= self.told.get(request.user.username, {})
        return claims, expires
