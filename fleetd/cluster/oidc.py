"""Tokens from an identity provider, for kubeconfigs with the oidc auth-provider."""

from __future__ import annotations

import base64
import ssl
import time
from typing import Any
from urllib.parse import quote_plus

import aiohttp

from fleetd.cluster.credentials import Credential, token_end
from fleetd.cluster.kubeconfig import Oidc
from fleetd.cluster.kubernetes_config import ConfigException, OpenIDRequestor
from fleetd.domain.errors import Unreachable

PROVIDER_SECONDS = 20.0


class VerifiedRequestor(OpenIDRequestor):  # type: ignore[misc]  # the base class has no types
    """kubernetes-asyncio's refresh, but never without checking who the provider is: a client secret travels."""

    def __init__(self, provider: Oidc, context: ssl.SSLContext) -> None:
        super().__init__(provider.client_id, provider.client_secret, provider.issuer)
        # RFC 6749, 2.3.1: both parts are form-encoded first.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        self._headers = {**self._default_headers, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        self._context = context

    def _client_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(ssl=self._context),
            timeout=aiohttp.ClientTimeout(total=PROVIDER_SECONDS),
            raise_for_status=True,
        )


class OidcSource:
    """The id token of the kubeconfig while it lasts, then new ones for the refresh token (which may change each time)."""

    def __init__(self, provider: Oidc, context: ssl.SSLContext) -> None:
        self._provider = provider
        self._context = context
        self._given = provider.id_token
        self._refresh_token = provider.refresh_token

    async def fetch(self) -> Credential:
        if self._given:
            given, self._given = self._given, ""
            if token_end(given) > time.time() or not self._refresh_token:
                return Credential(f"Bearer {given}", token_end(given))
        if not self._refresh_token:
            raise Unreachable("the kubeconfig's oidc token has ended, and there is no refresh token")
        try:
            answer: Any = await VerifiedRequestor(self._provider, self._context).refresh_token(self._refresh_token)
            token = str(answer["id_token"])
            self._refresh_token = str(answer.get("refresh_token") or self._refresh_token)
        except (ConfigException, aiohttp.ClientError, TimeoutError, KeyError, AttributeError) as problem:
            raise Unreachable(f"the identity provider gave no token ({type(problem).__name__})") from None
        return Credential(f"Bearer {token}", token_end(token))
