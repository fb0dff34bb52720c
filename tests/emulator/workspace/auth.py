"""Workspace tokens (OAuth machine-to-machine, PAT) and database credentials."""
import base64
import hashlib
import hmac
import json
import secrets
import threading
import uuid

from .errors import ApiError, PlainError


class Principal:
    """Who calls. `login` is the name of the Postgres role that belongs to it."""

    def __init__(self, kind, login, display):
        self.kind, self.login, self.display = kind, login, display
        self.id = str(int(hashlib.sha256(login.encode()).hexdigest()[:12], 16))

    @property
    def role_id(self):
        if self.kind == "SERVICE_PRINCIPAL":
            return f"sp-{self.login}"
        return "".join(c if c.isalnum() else "-" for c in self.login.split("@")[0].lower()).strip("-")


class Token:
    def __init__(self, principal, expires_at, branch=None, claims=None):
        self.principal, self.expires_at, self.branch, self.claims = principal, expires_at, branch, claims
        self.revoked = False


def same(left, right):
    return hmac.compare_digest(left.encode(), right.encode())


class Auth:
    def __init__(self, clock, settings):
        self.clock, self.settings, self.lock = clock, settings, threading.Lock()
        self.key = secrets.token_bytes(32)
        self.user = Principal("USER", "jane@example.com", "Jane")
        client_id = str(uuid.uuid4())
        self.clients = {client_id: (f"dose{secrets.token_hex(16)}", Principal("SERVICE_PRINCIPAL", client_id, "lbops"))}
        self.workspace_tokens = {f"dapi{secrets.token_hex(16)}": Token(self.user, None)}
        self.database_tokens = {}

    @property
    def client(self):
        return next((ident, secret) for ident, (secret, _) in self.clients.items())

    @property
    def pat(self):
        return next(iter(self.workspace_tokens))

    def add_client(self, display):
        client_id, secret = str(uuid.uuid4()), f"dose{secrets.token_hex(16)}"
        with self.lock:
            self.clients[client_id] = (secret, Principal("SERVICE_PRINCIPAL", client_id, display))
        return client_id, secret

    def _jwt(self, claims):
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        head = part(json.dumps({"kid": secrets.token_hex(8), "typ": "at+jwt", "alg": "HS256"}).encode())
        body = part(json.dumps({**claims, "jti": str(uuid.uuid4())}).encode())
        return f"{head}.{body}.{part(hmac.new(self.key, f'{head}.{body}'.encode(), 'sha256').digest())}"

    # ---- the token endpoint

    def _client_of(self, request):
        """The client that a token request names, by header or by form."""
        form, header = request.form(), request.headers.get("Authorization", "")
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if header.startswith("Basic "):
            try:
                client_id, _, secret = base64.b64decode(header[6:], validate=True).decode().partition(":")
            except ValueError:
                client_id = ""
        known = self.clients.get(client_id)
        if not known or not same(known[0], secret):
            raise PlainError(401, {"error": "invalid_client", "error_description": "Client authentication failed"})
        return known[1]

    def issue(self, request):
        form = request.form()
        if form.get("grant_type") != "client_credentials":
            raise PlainError(400, {"error": "unsupported_grant_type",
                                   "error_description": "Only client_credentials is supported"})
        principal = self._client_of(request)
        if form.get("scope", "all-apis") != "all-apis":
            raise PlainError(400, {"error": "invalid_scope", "error_description": "The scope must be all-apis"})
        life = self.settings.token_s
        with self.lock:
            expires = self.clock.now() + life
            token = self._jwt({"sub": principal.login, "scope": "all-apis", "exp": int(expires)})
            self.workspace_tokens[token] = Token(principal, expires)
        life = int(life) if life == int(life) else life
        return {"access_token": token, "token_type": "Bearer", "scope": "all-apis",
                "expires_in": str(life) if self.settings.token_expires_as_text else life}

    # ---- callers

    def require(self, request):
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise ApiError(401, "UNAUTHENTICATED",
                           "Credential was not sent or was of an unsupported type for this API.")
        with self.lock:
            token = self.workspace_tokens.get(text.strip())
            if not token or token.revoked or (token.expires_at is not None and self.clock.now() >= token.expires_at):
                raise ApiError(401, "UNAUTHENTICATED", "Invalid or expired access token")
        request.principal = token.principal

    # ---- database credentials

    def issue_database(self, principal, branch, endpoint, expires, claims):
        with self.lock:
            token = self._jwt({"sub": principal.login, "endpoint": endpoint, "exp": int(expires)})
            self.database_tokens[token] = Token(principal, expires, branch, claims)
        return token

    def database_login(self, text, branch_uid, login):
        """Whether this token lets this role in on this branch, now."""
        with self.lock:
            token = self.database_tokens.get(text)
            return bool(token and not token.revoked and token.branch == branch_uid
                        and token.principal.login == login and self.clock.now() < token.expires_at)

    def revoke(self, kind):
        """Ends every token of a kind early: workspace (all but PATs), pat or database."""
        with self.lock:
            tokens = {"workspace": [t for t in self.workspace_tokens.values() if t.expires_at is not None],
                      "pat": [t for t in self.workspace_tokens.values() if t.expires_at is None],
                      "database": list(self.database_tokens.values())}.get(kind)
            if tokens is None:
                raise ApiError(400, "INVALID_PARAMETER_VALUE", "kind must be workspace, pat or database")
            for token in tokens:
                token.revoked = True
        return len(tokens)
