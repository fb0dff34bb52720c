"""Who one is, and the SQL warehouses."""
import hashlib

from .errors import ApiError


class Warehouse:
    def __init__(self, ident, name, state):
        self.ident, self.name, self.state = ident, name, state
        self.ready_at = None


class Identity:
    def __init__(self, workspace):
        self.workspace = workspace
        ident = hashlib.sha256(b"warehouse").hexdigest()[:16]
        workspace.warehouses = self.warehouses = {ident: Warehouse(ident, "ops", "RUNNING")}

    def routes(self, router, guard):
        router.add("GET", "/api/2.0/preview/scim/v2/Me", self.me, guard)
        router.add("GET", "/api/2.0/sql/warehouses", self.list, guard)
        router.add("GET", "/api/2.0/sql/warehouses/(?P<ident>[^/]+)", self.get, guard)
        router.add("POST", "/api/2.0/sql/warehouses/(?P<ident>[^/]+)/start", self.start, guard)
        router.add("POST", "/api/2.0/sql/warehouses/(?P<ident>[^/]+)/stop", self.stop, guard)

    def me(self, request):
        who = request.principal
        answer = {"id": who.id, "userName": who.login, "displayName": who.display, "active": True,
                  "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "groups": [{"display": "users"}]}
        if who.kind == "USER":
            answer["emails"] = [{"value": who.login, "type": "work", "primary": True}]
        return answer

    # ---- warehouses

    def find(self, ident):
        found = self.warehouses.get(ident)
        if not found:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"SQL warehouse {ident} does not exist")
        if found.state == "STARTING" and self.workspace.clock.now() >= found.ready_at:
            found.state = "RUNNING"
        return found

    def render(self, one):
        return {"id": one.ident, "name": one.name, "state": one.state, "cluster_size": "2X-Small", "warehouse_type": "PRO",
                "enable_serverless_compute": True, "auto_stop_mins": 10, "num_clusters": 1 if one.state == "RUNNING" else 0}

    def list(self, _request):
        return {"warehouses": [self.render(self.find(ident)) for ident in self.warehouses]}

    def get(self, _request, ident):
        return self.render(self.find(ident))

    def wake(self, ident):
        """A stopped warehouse begins to start."""
        warehouse = self.find(ident)
        if warehouse.state == "STOPPED":
            warehouse.state = "STARTING"
            warehouse.ready_at = self.workspace.clock.now() + self.workspace.settings.warehouse_start_s
        return warehouse

    def start(self, _request, ident):
        self.wake(ident)

    def stop(self, _request, ident):
        self.find(ident).state = "STOPPED"
