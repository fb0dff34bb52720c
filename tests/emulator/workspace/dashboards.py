"""AI/BI (Lakeview) dashboards, and the folders of the workspace that they lie in."""
import json
import re
import uuid

from .clock import stamp
from .errors import ApiError, invalid, required
from .paging import page

BASE = "/api/2.0/lakeview/dashboards"
ONE = f"{BASE}/(?P<ident>[0-9a-f]{{32}})"
WIDGET = re.compile(r"[A-Za-z0-9_-]{1,60}")
VERSIONS = {"counter": 2, "table": 2, "bar": 3, "line": 3, "area": 3, "scatter": 3, "pie": 3, "histogram": 3, "heatmap": 3, "pivot": 3,
            "combo": 1, "funnel": 1, "sankey": 1, "box": 1, "waterfall": 1, "choropleth-map": 1, "forecast-line": 1, "symbol-map": 2,
            "filter-single-select": 2, "filter-multi-select": 2, "filter-date-range-picker": 2, "range-slider": 2}


def check_dashboard(text):
    """The rules of the format, as far as they are known; answers the text as the backend keeps it."""
    try:
        value = json.loads(text)
        pages, datasets = value.get("pages", []), value.get("datasets", [])
        names = set()
        for dataset in datasets:
            if not any(dataset.get(key) for key in ("queryLines", "query", "asset_name")):
                raise invalid(f"dataset '{dataset.get('name')}' has no query")
            names.add(dataset["name"])
        for one in pages:
            for item in one.get("layout", []):
                check_widget(item["widget"], names)
                if one.get("layoutVersion") == "GRID_V1" and item["position"]["x"] + item["position"]["width"] > 12:
                    raise invalid(f"widget '{item['widget'].get('name')}' is wider than the grid")
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise invalid(f"serialized_dashboard is not valid: {error}") from None
    return text if text.endswith("\n") else text + "\n"


def check_widget(widget, datasets):
    name = widget.get("name", "")
    if not WIDGET.fullmatch(name):
        raise invalid(f"'{name}' is not a name for a widget")
    fields = set()
    for query in widget.get("queries", []):
        if query["query"]["datasetName"] not in datasets:
            raise invalid(f"widget '{name}' asks for the dataset '{query['query']['datasetName']}', which is not there")
        fields.update(field["name"] for field in query["query"].get("fields", []))
    spec = widget.get("spec")
    if spec is None:
        return
    if VERSIONS.get(spec.get("widgetType")) != spec.get("version"):
        raise invalid(f"widget '{name}': version {spec.get('version')} of '{spec.get('widgetType')}' is not known")
    for field in field_names(spec.get("encodings", {})):
        if field not in fields:
            raise invalid(f"widget '{name}' shows the field '{field}', which its query does not have")


def field_names(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "fieldName":
                yield item
            else:
                yield from field_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from field_names(item)


def folder_of(path):
    path = path.rstrip("/")
    return path[len("/Workspace"):] if path.startswith("/Workspace/") else path


class Dashboards:
    def __init__(self, workspace):
        self.workspace, self.lock = workspace, workspace.lock
        self.dashboards, self.published, self.schedules = {}, {}, {}
        self.folders = {"", "/Shared", "/Users", f"/Users/{workspace.auth.user.login}"}

    def routes(self, router, guard):
        add = lambda methods, path, call: router.add(methods, path, self._locked(call), guard)
        add("POST", BASE, self.create)
        add("GET", BASE, self.list)
        add("GET", ONE, self.get)
        add("PATCH", ONE, self.update)
        add("DELETE", ONE, self.trash)
        add("POST", f"{ONE}/published", self.publish)
        add("GET", f"{ONE}/published", self.get_published)
        add("DELETE", f"{ONE}/published", self.unpublish)
        add("POST", f"{ONE}/schedules", self.create_schedule)
        add("GET", f"{ONE}/schedules", self.list_schedules)
        add("GET PUT DELETE", f"{ONE}/schedules/(?P<sid>[^/]+)", self.schedule)
        add("POST", "/api/2.0/workspace/mkdirs", self.make_folder)
        add("GET", "/api/2.0/workspace/get-status", self.folder_status)

    def _locked(self, call):
        def run(request, **names):
            with self.lock:
                return call(request, **names)
        return run

    def make_folder(self, request):
        path = folder_of(request.json().get("path", ""))
        if not path.startswith("/"):
            raise required("path")
        parts = path.split("/")
        self.folders.update("/".join(parts[:i]) for i in range(1, len(parts) + 1))

    def folder_status(self, request):
        path = folder_of(request.query.get("path", ""))
        if path not in self.folders:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({path}) doesn't exist.")
        return {"path": path, "object_type": "DIRECTORY"}

    def find(self, ident):
        if ident not in self.dashboards:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Dashboard {ident} does not exist.")
        return self.dashboards[ident]

    def _clash(self, path, but=None):
        for one in self.dashboards.values():
            if one is not but and one["path"] == path and one["lifecycle_state"] == "ACTIVE":
                raise ApiError(409, "RESOURCE_ALREADY_EXISTS", f"Node named '{path.rsplit('/', 1)[-1]}' already exists")

    def create(self, request):
        body = request.json()
        if not body.get("display_name"):
            raise required("display_name")
        folder = folder_of(body.get("parent_path") or f"/Users/{request.principal.login}")
        if folder not in self.folders and folder != f"/Users/{request.principal.login}":
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({folder}) doesn't exist.")
        path = f"{folder}/{body['display_name']}.lvdash.json"
        self._clash(path)
        now = stamp(self.workspace.clock.now())
        one = {"dashboard_id": f"01ef{uuid.uuid4().hex[:28]}", "display_name": body["display_name"], "path": path, "parent_path": folder,
               "etag": self._etag(), "lifecycle_state": "ACTIVE", "create_time": now, "update_time": now,
               "warehouse_id": body.get("warehouse_id", ""), "serialized_dashboard": check_dashboard(body.get("serialized_dashboard") or "{}")}
        self.dashboards[one["dashboard_id"]] = one
        return one

    @staticmethod
    def _etag():
        return str(uuid.uuid4().int % 10 ** 10)

    def list(self, request):
        found = [one for one in self.dashboards.values() if request.flag("show_trashed") or one["lifecycle_state"] == "ACTIVE"]
        hidden = ("serialized_dashboard", "path", "parent_path", "etag")
        return page(request, "dashboards", found, lambda one: {k: v for k, v in one.items() if k not in hidden}, self.workspace.settings)

    def get(self, _request, ident):
        return self.find(ident)

    def update(self, request, ident):
        one, body = self.find(ident), request.json()
        if body.get("etag") and body["etag"] != one["etag"]:
            raise ApiError(409, "ABORTED", "the dashboard has changed: its etag is another one")
        if "serialized_dashboard" in body:
            body["serialized_dashboard"] = check_dashboard(body["serialized_dashboard"])
        if "display_name" in body:
            path = f"{one['parent_path']}/{body['display_name']}.lvdash.json"
            self._clash(path, one)
            one["path"] = path
        for name in ("display_name", "warehouse_id", "serialized_dashboard"):
            if name in body:
                one[name] = body[name]
        one.update(etag=self._etag(), update_time=stamp(self.workspace.clock.now()))
        return one

    def trash(self, _request, ident):
        self.find(ident)["lifecycle_state"] = "TRASHED"
        self.published.pop(ident, None)

    def publish(self, request, ident):
        one, body = self.find(ident), request.json()
        self.published[ident] = {"display_name": one["display_name"], "embed_credentials": body.get("embed_credentials", False),
                                 "warehouse_id": body.get("warehouse_id") or one["warehouse_id"],
                                 "revision_create_time": stamp(self.workspace.clock.now())}
        return self.published[ident]

    def get_published(self, _request, ident):
        self.find(ident)
        if ident not in self.published:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Dashboard {ident} is not published.")
        return self.published[ident]

    def unpublish(self, request, ident):
        self.get_published(request, ident)
        del self.published[ident]

    def create_schedule(self, request, ident):
        self.find(ident)
        body = request.json()
        if not body.get("cron_schedule", {}).get("quartz_cron_expression") or not body["cron_schedule"].get("timezone_id"):
            raise required("cron_schedule")
        now = stamp(self.workspace.clock.now())
        one = {"pause_status": "UNPAUSED", **body, "schedule_id": uuid.uuid4().hex, "dashboard_id": ident, "create_time": now,
               "update_time": now, "etag": self._etag()}
        self.schedules.setdefault(ident, {})[one["schedule_id"]] = one
        return one

    def list_schedules(self, request, ident):
        self.find(ident)
        return page(request, "schedules", list(self.schedules.get(ident, {}).values()), lambda one: one, self.workspace.settings)

    def schedule(self, request, ident, sid):
        known = self.schedules.get(ident, {})
        if sid not in known:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Schedule {sid} does not exist.")
        if request.method == "DELETE":
            del known[sid]
            return None
        if request.method == "PUT":
            known[sid].update(request.json(), etag=self._etag(), update_time=stamp(self.workspace.clock.now()))
        return known[sid]
