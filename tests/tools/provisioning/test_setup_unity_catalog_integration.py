"""setup_unity_catalog_integration: a database as a catalog, once, with its readers; and whether audit can be read."""

import json

from place import Local, Workspace, contains, each_version, equal, holds, suite

UNITY = "/api/2.1/unity-catalog"
READS = ["SELECT", "USE_CATALOG", "USE_SCHEMA"]
SYSTEM = ["audit", "column_lineage", "table_lineage"]


def integrate(place, check=0, **params):
    return place.run("setup_unity_catalog_integration", branch="", check=check, **params)


def kinds(done):
    return sorted({(f["kind"], f["object"]) for f in done["result"].get("findings", [])})


def grants(place, catalog):
    listed = place.emulator.call("GET", f"{UNITY}/permissions/catalog/{catalog}").json["privilege_assignments"]
    return {one["principal"]: one["privileges"] for one in listed}


def reads_system(place):
    """A right from above for whom lbops is there."""
    place.emulator.call("PATCH", f"{UNITY}/permissions/schema/system.access",
                        {"changes": [{"principal": place.emulator.ready["client_id"], "add": ["SELECT"]}]})


def approve_all(place):
    for approval in place.approvals():
        place.approve(approval["id"])


def a_database_becomes_a_catalog():
    with Workspace(project="shop-prod") as place:
        contains(json.dumps(integrate(place)["result"]["skipped"]), "has none yet")
        place.project("shop-prod")
        plan = integrate(place, plan=True, readers=["data-team"])
        equal([c["statement"].split()[1] for c in plan["changes"]], ["catalogs?catalog_id=shop_prod"], "the plan")
        equal(place.emulator.postgres("GET", "catalogs/shop_prod").status, 404, "nothing was done")
        first = integrate(place)
        equal({k: first["result"][k] for k in ("lakebase_project", "uc_catalog", "uc_domain", "environment", "naming_alignment",
                                               "registered", "created")},
              {"lakebase_project": "shop-prod", "uc_catalog": "shop_prod", "uc_domain": "shop", "environment": "prod",
               "naming_alignment": True, "registered": True, "created": True}, "names")
        equal(place.emulator.postgres("GET", "catalogs/shop_prod").json["status"]["branch"],
              "projects/shop-prod/branches/production", "it is there")
        equal(place.emulator.call("GET", f"{UNITY}/catalogs/shop_prod").json["catalog_type"], "MANAGED_ONLINE_CATALOG", "for all")
        equal([first["result"]["audit_via"], first["result"]["lineage_tracking"], first["result"]["system_tables"]],
              ["system.access.audit", "system.access.table_lineage", []], "audit and lineage: nobody has seen that they can be read")
        equal(kinds(first), [("own_right_unseen", f"system.access.{t}") for t in SYSTEM], "and so it is told")
        reads_system(place)
        second = integrate(place)
        equal([second["changes"], kinds(second), len(second["result"]["system_tables"])], [[], [], 3], "the second run, with a right")

        equal([c["executed"] for c in integrate(place, check=3, readers=["data-team"])["changes"]], [False], "readers are asked for")
        approve_all(place)
        equal(grants(place, "shop_prod"), {"data-team": READS}, "and read")
        equal(integrate(place, readers=["data-team"])["changes"], [], "and no more")
        place.emulator.call("PATCH", f"{UNITY}/permissions/catalog/shop_prod",
                            {"changes": [{"principal": "account users", "add": ["SELECT"]},
                                         {"principal": "data-team", "remove": ["SELECT"]}]})
        found = integrate(place, check=3, readers=["data-team"])
        equal(kinds(found), [("surplus_grant", "shop_prod")], "what is surplus is told")
        approve_all(place)
        equal(grants(place, "shop_prod"), {"account users": ["SELECT"], "data-team": READS}, "what is missing given")
        place.project("bank-prod")
        contains(json.dumps(integrate(place)["result"]["skipped"]), "--project_id")


def what_is_anothers_stays():
    with Workspace(project="shop-prod") as place:
        emulator = place.emulator
        place.project("shop-prod")
        emulator.branch("shop-prod", "staging")
        reads_system(place)
        emulator.call("POST", f"{UNITY}/catalogs", {"name": "taken"})
        contains(integrate(place, check=1, uc_catalog="taken")["error"]["message"], "none of Lakebase", "MANAGED_CATALOG")
        named = integrate(place, uc_catalog="shop", domain="other")
        equal(kinds(named), [("domain_not_aligned", "shop-prod"), ("name_not_aligned", "shop")], "names that do not fit")
        equal(named["result"]["naming_alignment"], False, "and are said to")
        contains(integrate(place, check=1, uc_catalog="shop", source_branch="staging")["error"]["message"],
                 "stands for databricks_postgres of projects/shop-prod/branches/production")
        contains(json.dumps(integrate(place, check=1, source_branch="production")["error"]), "registered already", "shop")
        for bad in ("a b", "A", "a-b", ""):
            contains(integrate(place, check=1, uc_catalog=bad)["error"]["message"], "cannot be the name")
        contains(integrate(place, check=1, project_id="none")["error"]["message"], "no branch production of a project none")
        contains(json.dumps(integrate(place, check=1, source_branch="staging", database="none")["error"]), "database")


def what_cannot_be_read_is_told():
    with Workspace(project="shop-prod") as place:
        place.project("shop-prod")
        reads_system(place)
        place.emulator.fault("status", "system.access.audit$", "GET", status=403, count=0, error_code="PERMISSION_DENIED",
                             message="User does not have USE SCHEMA on Schema 'system.access'.")
        place.emulator.fault("status", "system.access.column_lineage$", "GET", status=404, count=0,
                             error_code="TABLE_DOES_NOT_EXIST", message="Table does not exist.")
        place.emulator.call("PATCH", f"{UNITY}/permissions/schema/system.access",
                            {"changes": [{"principal": "admins", "add": ["SELECT"]}]})
        done = integrate(place, auditors=["admins", "data-team"])
        equal(kinds(done), [("auditor_lacks_right", "system.access.table_lineage"), ("system_table_denied", "system.access.audit"),
                            ("system_table_missing", "system.access.column_lineage")], "findings")
        lacks = [f for f in done["result"]["findings"] if f["kind"] == "auditor_lacks_right"]
        equal([f["evidence"]["principal"] for f in lacks], ["data-team"], "who inherits a right has it")
        contains(json.dumps(done["result"]["findings"]), "USE SCHEMA on system.access", "enable")
        equal(done["result"]["system_tables"], ["system.access.table_lineage"], "what is left")

        place.emulator.fault("status", "/catalogs$", "POST", status=403, error_code="PERMISSION_DENIED", message="no")
        place.emulator.fault("status", "catalogs/other$", "GET", status=404, error_code="NOT_FOUND", message="catalog id not found")
        error = integrate(place, check=1, uc_catalog="other")["error"]
        equal(error["code"], "denied", "without a right")
        contains(error["hint"], "CREATE CATALOG")


def what_is_missing_is_told_by_its_code():
    """Not by the words around it, which are another server's, or another day's."""
    with Workspace(project="shop-prod") as place:
        place.project("shop-prod")
        place.emulator.fault("status", "unity-catalog/catalogs/system$", "GET", status=404, error_code="METASTORE_DOES_NOT_EXIST",
                             message="No metastore assigned for the current workspace.")
        none = integrate(place)
        contains(json.dumps(none["result"]["skipped"]), "Unity Catalog", "has none")
        equal(none["changes"], [], "without a metastore there is nothing to do")
        reads_system(place)
        place.emulator.fault("status", "unity-catalog/catalogs/shop_prod$", "GET", status=404, error_code="NOT_FOUND",
                             message="catalog id not found")
        made = integrate(place)
        equal([made["result"][k] for k in ("registered", "created")], [True, True], "what is missing is made, however that is said")


def where_there_is_none(version):
    with Local(version) as place:
        done = integrate(place)
        equal([done["status"], done["changes"]], ["ok", []], "nothing to do")
        equal(integrate(place)["changes"], [], "nor the second time")
        contains(json.dumps(done["result"]["skipped"]), "Unity Catalog", "has none")
        holds("uc_catalog" not in done["result"], "and nothing is said to be done")


suite(a_database_becomes_a_catalog, what_is_anothers_stays, what_cannot_be_read_is_told,
      what_is_missing_is_told_by_its_code, *each_version(where_there_is_none),
      at_once=2)
