"""GitHub's calls for comments on issues and pull requests, and for the variables of workflows, as far as a bot needs them. The
repositories are acme/shop with the issues 1 to 20, of which the even ones are pull requests."""
import itertools
import secrets
import threading

from .clock import stamp
from .errors import PlainError, invalid
from .http import Response

REPO = r"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)"
DOCS = "https://docs.github.com/rest"
LONGEST = 65536


def not_found():
    return PlainError(404, {"message": "Not Found", "documentation_url": DOCS, "status": "404"})


class GitHub:
    def __init__(self, workspace):
        self.workspace, self.lock = workspace, threading.Lock()
        self.token, self.login, self.is_installation = f"ghp_{secrets.token_hex(18)}", "lbops-bot", False
        self.issues = {("acme", "shop"): set(range(1, 21))}
        self.comments, self.ids = {}, itertools.count(1000001)
        self.variables, self.secrets = {}, {}  # of workflows, by repository and name

    def routes(self, router, _guard):
        add = lambda methods, path, call: router.add(methods, path, call, self.require)
        add("GET", f"{REPO}/issues/(?P<number>\\d+)/comments", self.list)
        add("POST", f"{REPO}/issues/(?P<number>\\d+)/comments", self.create)
        add("GET", f"{REPO}/issues/comments/(?P<ident>\\d+)", self.get)
        add("PATCH", f"{REPO}/issues/comments/(?P<ident>\\d+)", self.update)
        add("DELETE", f"{REPO}/issues/comments/(?P<ident>\\d+)", self.delete)
        add("GET", f"{REPO}/actions/(?P<kind>variables|secrets)", self.list_settings)
        add("POST", f"{REPO}/actions/variables", self.add_variable)
        add("PATCH", f"{REPO}/actions/variables/(?P<name>\\w+)", self.update_variable)
        add("GET", f"{REPO}/(?P<kind>issues|pulls)/(?P<number>\\d+)", self.issue)
        add("GET", "/user", self.user)
        router.add("POST", "/_emulator/github/issues", self.add_issue)
        router.add("POST", "/_emulator/github/secrets", self.add_secret)
        router.add("POST", "/_emulator/github/comments", self.add_comment)
        router.add("POST", "/_emulator/github/identity", self.set_identity)

    def require(self, request):
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("bearer", "token") or text != self.token:
            raise PlainError(401, {"message": "Bad credentials", "documentation_url": DOCS, "status": "401"})

    def add_issue(self, request):
        """{"owner", "repo", "number"}: one more issue that is there."""
        body = request.json()
        if not isinstance(body.get("number"), int):
            raise invalid("number must be a number")
        self.issues.setdefault((body.get("owner", "acme"), body.get("repo", "shop")), set()).add(body["number"])

    def _check(self, owner, repo, number):
        if int(number) not in self.issues.get((owner, repo), ()):
            raise not_found()

    def issue(self, _request, owner, repo, kind, number):
        self._check(owner, repo, number)
        is_pull = int(number) % 2 == 0
        if kind == "pulls" and not is_pull:
            raise not_found()
        url = f"{self.workspace.url}/repos/{owner}/{repo}"
        found = {"number": int(number), "state": "open", "title": f"Change {number}", "user": {"login": "jane"},
                 "comments": sum(1 for one in self.comments.values() if one["place"] == (owner, repo, int(number))),
                 "url": f"{url}/{kind}/{number}"}
        if is_pull:
            found["head" if kind == "pulls" else "pull_request"] = {"ref": f"change-{number}", "sha": "0" * 40} if kind == "pulls" else \
                {"url": f"{url}/pulls/{number}"}
        return found

    def add_secret(self, request):
        """{"name"}: acme/shop has this secret; its value is nobody's business."""
        self.secrets[("acme", "shop", request.json()["name"])] = {"name": request.json()["name"]}

    def list_settings(self, request, owner, repo, kind):
        if (owner, repo) not in self.issues:
            raise not_found()
        size, number = min(30, int(request.query.get("per_page", 10))), int(request.query.get("page", 1))
        with self.lock:
            found = [one for key, one in sorted(getattr(self, kind).items()) if key[:2] == (owner, repo)]
        return {"total_count": len(found), kind: found[(number - 1) * size:number * size]}

    def _variable(self, request, owner, repo):
        body = request.json()
        if (owner, repo) not in self.issues:
            raise not_found()
        if not all(isinstance(body.get(part), str) and body[part] for part in ("name", "value")):
            raise PlainError(422, {"message": "Validation Failed", "documentation_url": DOCS, "status": "422"})
        return {"name": body["name"], "value": body["value"]}

    def add_variable(self, request, owner, repo):
        one = self._variable(request, owner, repo)
        with self.lock:
            if (owner, repo, one["name"]) in self.variables:
                raise PlainError(409, {"message": "Already exists - Variable already exists", "documentation_url": DOCS, "status": "409"})
            self.variables[owner, repo, one["name"]] = one
        return Response(201, {})

    def update_variable(self, request, owner, repo, name):
        one = self._variable(request, owner, repo)
        with self.lock:
            if (owner, repo, name) not in self.variables:
                raise not_found()
            self.variables[owner, repo, name] = one
        return Response(204)

    def _body(self, request):
        text = request.json().get("body")
        if not isinstance(text, str) or not text.strip():
            raise PlainError(422, {"message": "Validation Failed", "documentation_url": DOCS, "status": "422",
                                   "errors": [{"resource": "IssueComment", "field": "data", "code": "missing_field"}]})
        if len(text) > LONGEST:
            raise PlainError(422, {"message": "Validation Failed", "documentation_url": DOCS, "status": "422", "errors": [
                {"resource": "IssueComment", "field": "data", "code": "unprocessable", "message": f"Body is too long (maximum is {LONGEST} characters)"}]})
        return text

    @staticmethod
    def _shown(comment):
        return {name: value for name, value in comment.items() if name != "place"}

    def user(self, _request):
        """Who the token is of; an installation's, such as a workflow's own, is nobody's."""
        if self.is_installation:
            raise PlainError(403, {"message": "Resource not accessible by integration", "documentation_url": DOCS, "status": "403"})
        return {"login": self.login, "type": "User"}

    def set_identity(self, request):
        """{"installation"}: whether the token is one of an installation from now on."""
        self.is_installation = bool(request.json().get("installation"))

    def add_comment(self, request):
        """{"number", "body", "login", "type"}: somebody else says something about acme/shop."""
        body = request.json()
        self._check("acme", "shop", body["number"])
        return self._comment("acme", "shop", body["number"], self._body(request), {"login": body["login"], "type": body.get("type", "User")})

    def create(self, request, owner, repo, number):
        self._check(owner, repo, number)
        return Response(201, self._comment(owner, repo, number, self._body(request), {"login": self.login, "type": "Bot"}))

    def _comment(self, owner, repo, number, text, user):
        now = stamp(int(self.workspace.clock.now()))
        with self.lock:
            ident = next(self.ids)
            url = f"{self.workspace.url}/repos/{owner}/{repo}"
            self.comments[ident] = {"id": ident, "body": text, "user": user, "created_at": now,
                                    "updated_at": now, "url": f"{url}/issues/comments/{ident}", "issue_url": f"{url}/issues/{number}",
                                    "html_url": f"https://github.com/{owner}/{repo}/issues/{number}#issuecomment-{ident}",
                                    "place": (owner, repo, int(number))}
            return self._shown(self.comments[ident])

    def list(self, request, owner, repo, number):
        self._check(owner, repo, number)
        try:
            size, number_of_page = min(100, int(request.query.get("per_page", 30))), int(request.query.get("page", 1))
        except ValueError:
            size, number_of_page = 30, 1
        size, number_of_page = max(1, size), max(1, number_of_page)
        with self.lock:
            found = [self._shown(one) for one in self.comments.values() if one["place"] == (owner, repo, int(number))
                     and one["updated_at"] >= request.query.get("since", "")]
        last = max(1, -(-len(found) // size))
        url = f"{self.workspace.url}{request.raw_path}?per_page={size}&page="
        links = [f'<{url}{number_of_page + 1}>; rel="next"', f'<{url}{last}>; rel="last"'] if number_of_page < last else []
        start = (number_of_page - 1) * size
        return Response(200, found[start:start + size], {"Link": ", ".join(links)} if links else {})

    def _find(self, owner, repo, ident):
        found = self.comments.get(int(ident))
        if not found or found["place"][:2] != (owner, repo):
            raise not_found()
        return found

    def get(self, _request, owner, repo, ident):
        return self._shown(self._find(owner, repo, ident))

    def update(self, request, owner, repo, ident):
        found, text = self._find(owner, repo, ident), self._body(request)
        found.update(body=text, updated_at=stamp(int(self.workspace.clock.now())))
        return self._shown(found)

    def delete(self, _request, owner, repo, ident):
        del self.comments[self._find(owner, repo, ident)["id"]]
        return Response(204)
