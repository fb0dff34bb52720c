"""`lbops dashboard --lvdash`: the file, held against what the format asks, and taken by a workspace."""
import json
import re
import sys

from common import HERE, Workspace, query_files
from suite import equal, holds, suite

sys.path.insert(0, str(HERE.parent / "emulator"))
from harness import Emulator  # noqa: E402

VERSIONS = {"counter": 2, "table": 2, "line": 3, "bar": 3}  # what a workspace draws, by the version of its widget
PATH = "/api/2.0/lakeview/dashboards"


def made(*words):
    with Workspace(rows=False) as place:
        path = place.dir / "lakebase ops.lvdash.json"
        place.cli("dashboard", "--lvdash", path, *words)
        return path.read_text(encoding="utf-8")


def datasets_are_the_queries():
    board = json.loads(made())
    sets = {d["name"]: d for d in board["datasets"]}
    equal(len(sets), len(query_files()), "datasets")
    for path in query_files():
        text = "".join(sets[f"{path.parent.name}_{path.stem}"]["queryLines"])
        plain = "".join(line for line in path.read_text().splitlines(True) if not line.startswith("-- "))
        equal(text.strip(), plain.strip(), str(path))


def widgets_are_what_the_format_asks():
    board = json.loads(made())
    datasets, names = {d["name"] for d in board["datasets"]}, set()
    equal(len(board["pages"]), 10, "pages")
    used = set()
    for page in board["pages"]:
        equal([page["pageType"], page["layoutVersion"]], ["PAGE_TYPE_CANVAS", "GRID_V1"], page["name"])
        taken = set()
        for item in page["layout"]:
            widget, at = item["widget"], item["position"]
            holds(re.fullmatch(r"[A-Za-z0-9_-]{1,60}", widget["name"]), widget["name"])
            holds(widget["name"] not in names, f"{widget['name']} is there once")
            names.add(widget["name"])
            spec = widget["spec"]
            equal(spec["version"], VERSIONS[spec["widgetType"]], spec["widgetType"])
            query = widget["queries"][0]["query"]
            holds(query["datasetName"] in datasets, query["datasetName"])
            used.add(query["datasetName"])
            fields = {f["name"] for f in query["fields"]}
            holds(all(f["expression"] == f"`{f['name']}`" for f in query["fields"]), "plain columns")
            encodings = spec["encodings"]
            shown = encodings["columns"] if "columns" in encodings else list(encodings.values())
            holds({e["fieldName"] for e in shown} <= fields, f"fields of {widget['name']}")
            cells = {(x, y) for x in range(at["x"], at["x"] + at["width"]) for y in range(at["y"], at["y"] + at["height"])}
            holds(max(x for x, _ in cells) < 12 and not cells & taken, f"the place of {widget['name']}")
            taken |= cells
    equal(used, datasets, "every dataset is drawn")


def another_window():
    text = made("--days", "3")
    holds("INTERVAL 3 DAYS" in text and "INTERVAL 7 DAYS" not in text and "INTERVAL 30 DAYS" not in text, "windows")
    holds("INTERVAL 24 HOURS" in text, "spans of a query's own stay")


def a_workspace_takes_it():
    text = made()
    with Emulator() as workspace:
        answer = workspace.call("POST", PATH, {
            "display_name": "LakebaseOps", "parent_path": "/Workspace/Shared", "serialized_dashboard": text,
            "warehouse_id": workspace.ready["warehouse_id"]}, {"dataset_catalog": "ops_catalog", "dataset_schema": "lakebase_ops"})
        equal(answer.status, 200, answer.body)
        name = answer.json["dashboard_id"]
        there = workspace.call("GET", f"{PATH}/{name}").json
        equal(json.loads(there["serialized_dashboard"]), json.loads(text), "what it keeps")
        answer = workspace.call("POST", f"{PATH}/{name}/published",
                                {"warehouse_id": workspace.ready["warehouse_id"], "embed_credentials": False})
        equal(answer.status, 200, answer.body)


suite(datasets_are_the_queries, widgets_are_what_the_format_asks, another_window, a_workspace_takes_it)
