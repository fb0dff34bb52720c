"""repair_synced_rows where there is no MERGE: what it plans, what it refuses, and that nothing happens then. That it repairs is seen
with Spark (sync_spark.py)."""
from place import Given, contains, each_version, equal, holds, suite
from sync_place import copy, detail_of, make, one, same

TOOL = "repair_synced_rows"


def planned_and_not_executed(version):
    with Given(version, kind="shared") as given:
        make(given)
        copy(given)
        equal(one(given, TOOL)[1]["status"], "nothing_to_repair", "one as the other")
        given.sql("UPDATE orders SET t = 'it''s' WHERE id IN (2, 3, 4); INSERT INTO orders (id, updated_at) VALUES (77, '2026-01-02'), (78, "
                  "'2026-01-02'); DELETE FROM orders WHERE id IN (7, 8)")
        document, result = one(given, TOOL, plan=True, grace_s=0, delete_extra=True)
        found = result["repair"]
        equal((result["status"], found["missing_keys"], found["different_keys"], found["extra_keys"]),
              ("planned", ["77", "78"], ["2", "3", "4"], ["7", "8"]), "what would be done")
        equal(found["copy_version"], detail_of(one(given, "validate_sync_integrity", grace_s=0)[1])["copy_version"], "the copy's version")
        contains(str(document), "MERGE INTO")
        document, result = one(given, TOOL, grace_s=0, check=3)
        equal((result["status"], result["repair"]["extra"], result["repair"]["extra_left"]), ("waiting", 0, 2), "it waits")
        asked = given.approvals()
        equal(len(asked), 1, "for a person")
        equal(asked[0]["undo"].split(" TO ")[0], "RESTORE TABLE main.public.orders", "the way back")
        refused = given.approve(asked[0]["id"], check=1)
        contains(refused.stdout + refused.stderr, "has no MERGE: main.public.orders is as it was")
        same(one(given, "validate_sync_integrity", grace_s=0, max_lag_s=0, scope="full")[1], "mismatch")


def what_it_leaves_to_others(version):
    with Given(version, kind="shared") as given:
        make(given)
        copy(given)
        given.sql("UPDATE orders SET t = 'x' WHERE id IN (2, 3, 4)")
        many = given.run(
            TOOL, source_table="orders", target_delta_table="main.public.orders", grace_s=0, max_rows=2, check=1)["error"]
        equal((many["code"], "full refresh" in many["hint"]), ("limit", True), f"too many: {many}")
        contains(many["message"], "differ in 3 rows, and at most 2 are repaired")
        for source, target in (("orders", "main.public.none"), ("none", "main.public.orders")):
            error = given.run(TOOL, source_table=source, target_delta_table=target, check=1)["error"]
            equal(error["code"], "not_found", f"{source} and {target}: {error}")
        given.sql("CREATE TABLE keyless (id int, t text); INSERT INTO keyless VALUES (1, 'a')")
        given.run("lake_door", source="keyless", catalog="main", schema="public", name="keyless", columns=["id", "t"], types=["integer", "text"])
        error = given.run(TOOL, source_table="keyless", target_delta_table="main.public.keyless", check=1)["error"]
        contains(error["message"], "no primary key")
        holds(not given.approvals(), "nobody is asked")


suite(*each_version(planned_and_not_executed, what_it_leaves_to_others))
