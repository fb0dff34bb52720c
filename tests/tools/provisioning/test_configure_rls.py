"""configure_rls: tenants that cannot get at each other's rows, by column and by schema, tried before it may stand."""

import contextlib
import json
import sys

from place import PATIENCE, TESTS, Given, Local, Workspace, contains, each_version, equal, holds, suite

sys.path.insert(0, str(TESTS / "emulator"))
from harness import until  # noqa: E402

TABLES = """
CREATE SCHEMA "Odd One";
CREATE TABLE orders (id serial PRIMARY KEY, tenant_id text NOT NULL, total int NOT NULL);
CREATE TABLE "Odd One"."Big Table" (id bigint GENERATED ALWAYS AS IDENTITY, tenant_id varchar(20), note text);
CREATE TABLE parts (tenant_id text NOT NULL, at date NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE parts_old PARTITION OF parts DEFAULT;
CREATE UNLOGGED TABLE scratch (tenant_id text);
CREATE TABLE shared (id int);
CREATE VIEW totals AS SELECT tenant_id, sum(total) FROM orders GROUP BY 1;
INSERT INTO orders (tenant_id, total) SELECT t, n FROM unnest('{acme,O''Hara,bolt}'::text[]) t, generate_series(1, 3) n;
INSERT INTO "Odd One"."Big Table" (tenant_id) VALUES ('acme'), ('bolt');
"""
TENANTS = ["acme", "O'Hara"]


class Shop(Given):
    """Roles belong to the whole server: those of a test begin with the name of its database."""

    def __init__(self, version, kind="throwaway"):
        super().__init__(version, kind)
        self.prefix = f"{self.database} "

    def role(self, tenant):
        return f"{self.prefix}{tenant}"

    def rls(self, check=0, **params):
        return self.run("configure_rls", check=check, **{"role_prefix": self.prefix, **params})

    def as_tenant(self, tenant, text):
        """What psql says to a tenant's statement."""
        done = self.psql(text=f"SET ROLE \"{self.role(tenant)}\";\n{text}", check=False)
        return done

    def refused(self, tenant, text):
        try:
            self.sql(f"SET ROLE \"{self.role(tenant)}\";\n{text}")
        except AssertionError as error:
            return str(error)
        raise AssertionError(f"{tenant} may: {text}")

    def roles(self):
        return self.at_server(f"SELECT string_agg(quote_ident(rolname), ',') FROM pg_roles WHERE rolname LIKE '{self.database}%'")

    def close(self):
        roles = self.roles()
        super().close()
        with contextlib.suppress(AssertionError):
            if roles:
                self.at_server(f"DROP ROLE {roles}")


def kinds(done):
    return sorted({(f["kind"], f["object"]) for f in done["result"].get("findings", [])})


def tenants_are_apart_by_column(version):
    with Shop(version) as place:
        place.sql(TABLES)
        plan = place.rls(plan=True, tenants=TENANTS, schemas=["public", "Odd One"])
        equal(place.sql("SELECT count(*) FROM pg_policy"), "0", "a plan makes nothing")
        holds(any("CREATE POLICY" in c["statement"] for c in plan["changes"]), "and shows it")
        done = place.rls(tenants=TENANTS, schemas=["public", "Odd One"])
        equal([done["result"][k] for k in ("roles_created", "rls_policies_created", "indexes_created", "tried")],
              [2, 8, 4, 4], "what was made")
        for effect in {c["effect"] for c in done["changes"]}:
            holds(effect != "destructive", "nothing of it loses anything")
        equal(place.as_tenant("acme", "SELECT string_agg(DISTINCT tenant_id, ',') FROM orders"), "acme", "its own rows")
        equal(place.as_tenant("O'Hara", "SELECT count(*) FROM orders"), "3", "of the other")
        equal(place.as_tenant("acme", "INSERT INTO orders (tenant_id, total) VALUES ('acme', 9) RETURNING total"), "9", "it writes")
        contains(place.refused("acme", "INSERT INTO orders (tenant_id, total) VALUES ('bolt', 9)"), "row-level security")
        contains(place.refused("acme", "UPDATE orders SET tenant_id = 'bolt'"), "row-level security")
        equal(place.as_tenant("acme", "DELETE FROM orders WHERE tenant_id <> 'acme' RETURNING 1"), "", "nothing of others")
        equal(place.as_tenant("acme", "SELECT count(*) FROM \"Odd One\".\"Big Table\""), "1", "in another schema")
        contains(place.refused("acme", "SELECT FROM parts_old"), "permission denied")
        equal(place.sql("SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"),
              "Big Table,orders,parts,scratch", "guarded and forced")
        equal(place.sql("SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND indisvalid"), "2", "with an index")
        equal(place.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'lbops%'"), "0", "nothing of the trial stays")
        equal(place.sql("SELECT count(*) FROM orders WHERE tenant_id = 'bolt'"), "3", "nor what it wrote")
        contains(json.dumps(kinds(done)), "view_evades_policies", "public.totals", "role_evades_policies")
        again = place.rls(tenants=TENANTS, schemas=["public", "Odd One"])
        equal(again["changes"], [], "the second run")
        tried = place.rls(tenants=TENANTS, schemas=["public", "Odd One"], prove="always")
        equal(tried["result"]["tried"], 4, "it can be tried again")


def what_is_not_tried_is_said(version):
    with Shop(version) as place:
        place.sql("CREATE TABLE many (tenant_id text, v int); CREATE TABLE few (tenant_id text, v int);"
                  "INSERT INTO many SELECT 'acme', n FROM generate_series(1, 1001) n;"
                  "INSERT INTO many SELECT 'bolt', n FROM generate_series(1, 1000) n; INSERT INTO few VALUES ('acme', 1)")
        told = place.rls(tenants=["acme", "bolt"])["result"]
        skipped = {s["object"]: s["reason"] for s in told["skipped"]}
        contains(skipped["public.many"], "1 tenant(s), such as acme, have more than 1000 rows", "not tried for UPDATE and DELETE")
        equal(["public.few" in skipped, told["tried"]], [False, 2], "the rest is tried")


def rows_without_a_tenant_are_counted(version):
    """No tenant's policy shows them, so whoever guards the table hears of them before; and again as long as they are there."""
    with Shop(version) as place:
        place.sql("CREATE TABLE few (tenant_id text, v int); CREATE TABLE many (tenant_id int, v int); CREATE TABLE clean (tenant_id text);"
                  "INSERT INTO few VALUES ('7', 1), (NULL, 2), (NULL, 3); INSERT INTO many SELECT NULL, n FROM generate_series(1, 1001) n;"
                  "INSERT INTO clean VALUES ('7')")

        def told(**more):
            found = [f for f in place.rls(tenants=["7"], **more)["result"].get("findings", []) if f["kind"] == "rows_without_tenant"]
            return {f["object"]: (f["evidence"]["rows"], f["evidence"]["more"], f["reason"]) for f in found}

        some, many = (2, False, "2 row(s) have NULL as their tenant: nobody sees them once it is guarded"), (1000, True)
        found = told()
        equal([sorted(found), found["public.few"], found["public.many"][:2]], [["public.few", "public.many"], some, many], "counted")
        equal(sorted(told()), ["public.few", "public.many"], "they are still there")
        place.sql("UPDATE few SET tenant_id = '7' WHERE tenant_id IS NULL; DELETE FROM many")
        equal(told(), {}, "and then they are not")


def keys_of_every_type(version):
    with Shop(version) as place:
        place.sql("CREATE TYPE kind AS ENUM ('7', '8'); CREATE DOMAIN code AS text;"
                  + "".join(f"CREATE TABLE t{n} (tenant_id {t}, v int);INSERT INTO t{n} VALUES ('7', 1), ('8', 2);"
                            for n, t in enumerate(["int", "bigint", "smallint", "numeric", "char(4)", "kind", "code", "varchar"])))
        done = place.rls(tenants=["7", "8"])
        equal(done["result"]["tried"], 8, "each was tried")
        equal(place.as_tenant("7", "".join(f"SELECT v FROM t{n};" for n in range(8))).split(), ["1"] * 8, "and holds")
        equal(place.rls(tenants=["7", "8"])["changes"], [], "the second run")
        place.sql("CREATE TABLE ids (tenant_id uuid)")
        contains(json.dumps(place.rls(check=1, tenants=["7", "8"], tables=["ids"])["error"]), "uuid")
        equal(place.sql("SELECT count(*) FROM pg_policy WHERE polrelid = 'ids'::regclass"), "0", "a key that is none leaves nothing")
        one = "0d9a6c1e-2a8b-4c3d-9e4f-5a6b7c8d9e0f"
        equal(place.rls(tenants=[one], tables=["ids"], role_prefix=f"{place.database}-")["result"]["tried"], 1, "a key of its own kind")


def what_was_changed_is_mended(version):
    with Shop(version) as place:
        place.sql(TABLES)
        place.rls(tenants=TENANTS, tables=["orders"])
        acme = place.role("acme")
        place.sql(f"ALTER POLICY \"{acme}\" ON orders USING (tenant_id = 'acme' OR true);"
                  f"ALTER TABLE orders NO FORCE ROW LEVEL SECURITY; REVOKE UPDATE ON orders FROM \"{acme}\"")
        done = place.rls(tenants=TENANTS, tables=["orders"])
        equal(done["result"]["rls_policies_created"], 1, "the one that was changed")
        equal(place.as_tenant("acme", "UPDATE orders SET total = total RETURNING 1").count("1"), 3, "as it was")
        equal(place.rls(tenants=TENANTS, tables=["orders"])["changes"], [], "and no more")

        place.sql("CREATE POLICY generous ON orders FOR SELECT USING (total > 0); GRANT TRUNCATE ON orders TO \"" + acme + "\"")
        found = kinds(place.rls(tenants=TENANTS, tables=["orders"]))
        for kind in ("other_policy", "truncate_evades_policies"):
            holds((kind, "public.orders") in found, kind)
        leak = place.rls(check=1, tenants=[*TENANTS, "bolt"], tables=["orders"])["error"]["message"]
        contains(leak, "public.orders", "row security leaks", "can read rows of others")
        equal(place.sql(f"SELECT count(*) FROM pg_policy WHERE polname = '{place.prefix}bolt'"), "0", "what leaks does not stand")
        place.sql("DROP POLICY generous ON orders; CREATE POLICY open_door ON orders FOR INSERT WITH CHECK (true)")
        contains(place.rls(check=1, tenants=[*TENANTS, "bolt"], tables=["orders"])["error"]["message"], "row security leaks", "write")
        before = place.sql("SELECT count(*), sum(total) FROM orders")
        for command, word in (("UPDATE", "change"), ("DELETE", "delete")):
            place.sql(f"DROP POLICY open_door ON orders; CREATE POLICY open_door ON orders FOR {command} USING (true)")
            contains(place.rls(check=1, tenants=[*TENANTS, "bolt"], tables=["orders"])["error"]["message"], "row security leaks",
                     f"can {word} rows of others")
        equal(place.sql("SELECT count(*), sum(total) FROM orders"), before, "nothing was changed in trying")
        place.sql("DROP POLICY open_door ON orders")
        fewer = place.rls(tenants=["acme"], tables=["orders"])
        equal([k for k, _ in kinds(fewer) if k.startswith("surplus")], ["surplus_policy", "surplus_role"], "what is surplus is told")
        contains(json.dumps([f["fix"] for f in fewer["result"]["findings"] if f["kind"] == "surplus_policy"]), "DROP POLICY", "O'Hara")
        place.sql(f"ALTER ROLE \"{acme}\" BYPASSRLS")
        holds(("tenant_evades_policies", acme) in kinds(place.rls(tenants=["acme"], tables=["orders"])), "who evades is told")


def who_is_no_tenant_reads_nothing(version):
    """Neither the owner, whom FORCE holds, nor who may read every table; and nobody gives its own rows away."""
    with Shop(version) as place:
        owner, acme = place.role("owner"), place.role("acme")
        place.sql(TABLES + f"CREATE ROLE \"{owner}\" NOLOGIN; ALTER TABLE orders OWNER TO \"{owner}\"")

        def tried(check=0, policy=None, **params):
            if policy:
                place.sql(f"CREATE POLICY open_door ON orders {policy}")
            done = place.rls(check=check, prove="always", tables=["orders"], **{"tenants": TENANTS, **params})
            if policy:
                place.sql("DROP POLICY open_door ON orders")
            return done

        acted = [c["statement"] for c in tried()["changes"] if c["statement"].startswith("SET LOCAL ROLE")]
        equal(acted[-3:], [f'SET LOCAL ROLE "{owner}"', "SET LOCAL ROLE pg_read_all_data", "SET LOCAL ROLE NONE"], "at the end")
        equal(place.sql(f"SET ROLE \"{owner}\"; SELECT count(*) FROM orders"), "0", "the owner sees nothing")
        for policy, who in ((f"FOR SELECT USING (current_user = '{owner}')", owner),
                            (f"FOR SELECT USING (current_user NOT LIKE '{place.database}%')", "pg_read_all_data")):
            contains(tried(1, policy)["error"]["message"], "row security leaks", f"{who} is no tenant and can read rows")
        tried(0, f"FOR SELECT TO \"{owner}\" USING (true)")
        tried(0, None, operators=[owner])
        before = place.sql("SELECT string_agg(tenant_id || total, ',' ORDER BY id) FROM orders")
        given = f"FOR UPDATE TO \"{acme}\" USING (tenant_id = 'acme') WITH CHECK (true)"
        contains(tried(1, given)["error"]["message"], "row security leaks", f"{acme} can give rows of its own to others")
        equal(place.sql("SELECT string_agg(tenant_id || total, ',' ORDER BY id) FROM orders"), before, "nothing was given in trying")
        tried()


def a_tenant_without_a_partition_is_no_leak(version):
    """Where a row of another tenant has no place, no policy is asked."""
    with Shop(version) as place:
        place.sql("CREATE TABLE bills (tenant_id text, v int) PARTITION BY LIST (tenant_id);"
                  "CREATE TABLE bills_acme PARTITION OF bills FOR VALUES IN ('acme'); INSERT INTO bills VALUES ('acme', 1)")
        equal(place.rls(tenants=["acme", "bolt"])["result"]["tried"], 1, "it is tried, and stands")
        equal(place.as_tenant("acme", "SELECT count(*) FROM bills"), "1", "its own row")
        place.sql("CREATE TABLE bills_bolt PARTITION OF bills FOR VALUES IN ('bolt');"
                  "CREATE POLICY open_door ON bills FOR INSERT WITH CHECK (true)")
        contains(place.rls(check=1, tenants=["acme", "bolt"], prove="always")["error"]["message"], "can write rows of others")


def who_gets_around_policies_is_told(version):
    """Everything that shows a tenant another one's rows although the policies are right."""
    with Shop(version) as place:
        owner = place.role("owner")
        place.sql(f"CREATE ROLE \"{owner}\" NOLOGIN; " + TABLES + f"ALTER TABLE shared OWNER TO \"{owner}\";"
                  "CREATE VIEW asking WITH (security_invoker = true) AS SELECT * FROM orders;"
                  "CREATE VIEW over_asking AS SELECT * FROM asking;"
                  "CREATE MATERIALIZED VIEW copied AS SELECT * FROM orders;"
                  "CREATE MATERIALIZED VIEW copied_deep AS SELECT * FROM over_asking; CREATE VIEW over_copied AS SELECT * FROM copied_deep;"
                  "CREATE VIEW over_totals AS SELECT * FROM totals;"
                  "CREATE FUNCTION sum_of_all() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(total) FROM orders';"
                  "CREATE FUNCTION atomic_sum(int) RETURNS bigint LANGUAGE sql SECURITY DEFINER "
                  "BEGIN ATOMIC SELECT sum(total) FROM orders; END;"
                  "CREATE TABLE orders_child () INHERITS (orders); CREATE FUNCTION by_child() RETURNS bigint LANGUAGE sql SECURITY DEFINER "
                  "AS 'SELECT count(*) FROM orders_child'; CREATE FUNCTION by_view() RETURNS bigint LANGUAGE sql SECURITY DEFINER "
                  "BEGIN ATOMIC SELECT count(*) FROM asking; END;"
                  "CREATE FUNCTION own_sum() RETURNS bigint LANGUAGE sql AS 'SELECT sum(total) FROM orders';"
                  "CREATE FUNCTION not_for_tenants() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(total) FROM orders';"
                  "REVOKE EXECUTE ON FUNCTION not_for_tenants() FROM PUBLIC;"
                  "CREATE FUNCTION held_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT sum(total) FROM orders';"
                  f"ALTER FUNCTION held_owner() OWNER TO \"{owner}\";")
        done = place.rls(tenants=TENANTS, tables=["orders"])
        found = kinds(done)
        equal([o for k, o in found if k == "function_evades_policies"],
              [f"public.{f}" for f in ("atomic_sum(integer)", "by_child()", "by_view()", "sum_of_all()")], "functions by the rights of their owner")
        equal([o for k, o in found if k == "view_evades_policies"],
              [f"public.{v}" for v in ("copied", "copied_deep", "over_copied", "over_totals", "totals")], "views of every layer")
        place.sql("GRANT SELECT ON asking, over_asking, copied, over_copied, over_totals TO PUBLIC")
        counts = "SELECT count(*) FROM asking; SELECT count(*) FROM over_asking; SELECT count(*) FROM copied; SELECT own_sum() < sum_of_all(); SELECT by_view();"
        equal(place.as_tenant("acme", counts).split(), ["3", "3", "9", "t", "9"], "it is as it is told")
        equal(place.as_tenant("acme", "SELECT count(*) FROM over_copied; SELECT count(*) FROM over_totals").split(), ["9", "3"],
              "layers above as well")
        for finding in done["result"]["findings"]:
            if finding["kind"].endswith("_evades_policies") and finding["fix"] and finding["object"] != "public.totals":
                place.sql(finding["fix"])
        found = kinds(place.rls(tenants=TENANTS, tables=["orders"]))
        equal([o for k, o in found if k in ("function_evades_policies", "view_evades_policies")],
              ["public.copied", "public.copied_deep", "public.totals"],
              "what the fixes leave: a copy, and what was left out")
        equal(place.as_tenant("acme", "SET row_security = off; SELECT count(*) FROM orders"), "", "nor by a setting")
        equal(place.as_tenant("acme", "RESET ALL; SET app.tenant = 'O''Hara'; SELECT count(*) FROM orders"), "3", "nor by another")


def evaders(done, kind):
    """The findings of such a kind, as object and role."""
    return sorted((f["object"], f["evidence"]["role"]) for f in done["result"].get("findings", []) if f["kind"] == f"{kind}_evades_policies")


def a_part_of_a_table_is_no_way_around(version):
    """Policies of a table hold for who asks the table: rights on a partition or a child lead around them."""
    with Shop(version) as place:
        acme, group = place.role("acme"), place.role("group")
        place.sql(TABLES + "CREATE TABLE parts_new PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY HASH (at);"
                  "CREATE TABLE parts_deep PARTITION OF parts_new FOR VALUES WITH (MODULUS 1, REMAINDER 0);"
                  "CREATE SCHEMA attic; CREATE TABLE attic.child () INHERITS (orders); GRANT SELECT ON attic.child TO PUBLIC;"
                  "INSERT INTO parts SELECT t, at FROM unnest('{acme,bolt}'::text[]) t, unnest('{2025-01-01,2026-01-01}'::date[]) at;"
                  "GRANT SELECT (at) ON parts_new TO PUBLIC")
        params = {"tenants": TENANTS, "tables": ["parts", "orders"]}
        equal(evaders(place.rls(plan=True, **params), "partition"), [("public.parts_new", "public")], "a plan tells what is everybody's")
        done = place.rls(**params)
        equal(evaders(done, "partition"), [("public.parts_new", "public")], "one that no tenant can use is none")
        place.sql(f"CREATE ROLE \"{group}\"; GRANT \"{group}\" TO \"{acme}\"; GRANT DELETE ON parts_deep TO \"{group}\";"
                  f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO \"{acme}\"; GRANT USAGE ON SCHEMA attic TO \"{acme}\"")
        equal(place.as_tenant("acme", "SELECT count(*) FROM parts_old; SELECT count(*) FROM parts_deep").split(), ["2", "2"],
              "everybody's rows")
        done = place.rls(**params)
        equal(evaders(done, "partition"), [("attic.child", "public"), ("public.parts_deep", acme), ("public.parts_deep", group),
                                           ("public.parts_new", acme), ("public.parts_new", "public"), ("public.parts_old", acme)], "told")
        for finding in done["result"]["findings"]:
            if finding["kind"] == "partition_evades_policies":
                place.sql(finding["fix"])
        equal(evaders(place.rls(**params), "partition"), [], "what the fixes leave")
        for part in ("parts_old", "parts_new", "parts_deep", "attic.child"):
            contains(place.refused("acme", f"SELECT count(*) FROM {part}"), "permission denied")
        equal(place.as_tenant("acme", "SELECT count(*) FROM parts"), "2", "and its own by the table")

        place.rls(**{**params, "tables": ["parts_old"]})
        equal(place.as_tenant("acme", "SELECT count(*) FROM parts_old"), "1", "a part can be guarded as a table is")
        equal(evaders(place.rls(**params), "partition"), [], "and then is no way around")
        place.sql("CREATE POLICY generous ON parts_old FOR SELECT USING (true)")
        holds(("public.parts_old", acme) in evaders(place.rls(**params), "partition"), "unless it has another policy")
        place.sql(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO \"{acme}\"; DROP POLICY generous ON parts_old;"
                  "CREATE TABLE parts_2027 PARTITION OF parts FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')")
        equal(evaders(place.rls(**params), "partition"), [("public.parts_2027", acme)], "a new part with rights by default")


def acted_as(done):
    """The tenants' roles that were tried, in order. Behind them comes who is no tenant."""
    return [c["statement"].removeprefix("SET LOCAL ROLE ").strip('"') for c in done["changes"]
            if c["statement"].startswith("SET LOCAL ROLE ") and not c["statement"].endswith(("NONE", "pg_read_all_data"))]


def the_table_is_held_for_what_is_new(version):
    with Shop(version) as place:
        place.sql("CREATE TABLE orders (tenant_id text, v int); INSERT INTO orders SELECT t, 1 FROM unnest('{a,b,c,d}'::text[]) t")
        role = place.role
        equal(acted_as(place.rls(tenants=["a", "b"])), [role("a"), role("b")], "all are tried where none was")
        equal(acted_as(place.rls(tenants=["a", "b", "c"])), [role("c")], "then who is new")
        equal(acted_as(place.rls(tenants=["a", "b", "c"], prove="always")), [role("a"), role("b"), role("c")], "or all, if asked to")
        place.sql(f"REVOKE DELETE ON orders FROM \"{role('a')}\"")
        equal(acted_as(place.rls(tenants=["a", "b", "c"])), [role("a")], "and who gets a right")
        place.sql("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY")
        equal(acted_as(place.rls(tenants=["a", "b", "c"])), [role("a"), role("b"), role("c")], "or all, where nothing held them")
        place.sql(f"CREATE ROLE \"{role('d')}\"; GRANT \"{role('d')}\" TO \"{role('b')}\"")
        contains(place.rls(check=1, tenants=["a", "b", "c", "d"])["error"]["message"], f"{role('b')} can read rows of others")
        equal(place.sql(f"SELECT count(*) FROM pg_policy WHERE polname = '{role('d')}'"), "0",
              "what is new for one is new for who may act as it, and nothing stays of it")


def it_waits_for_the_table_in_short_turns(version):
    with Shop(version) as place:
        place.sql("CREATE TABLE orders (tenant_id text PRIMARY KEY, v int); INSERT INTO orders VALUES ('a', 1), ('b', 2)")
        holder = place.session()
        holder.stdin.write("BEGIN; SELECT count(*) FROM orders;\n")
        holder.stdin.flush()
        holder.stdout.readline()
        tries = set()

        def comes_again():
            tries.update(place.sql("SELECT xact_start FROM pg_stat_activity WHERE datname = current_database() "
                                   "AND wait_event_type = 'Lock' AND query ~ '^CREATE POLICY'").splitlines())
            return len(tries) > 1 or running.poll() is not None

        running = place.start("run", "configure_rls", "--branch", place.branch, "--role_prefix", place.prefix,
                              "--tenants", json.dumps(["a", "b"]))
        until(comes_again)
        equal([running.poll(), len(tries)], [None, 2], "it lets go, and comes again")
        holder.communicate("COMMIT;\n")
        equal(running.wait(PATIENCE), 0, "it gets the table in the end")
        equal(place.sql("SELECT count(*) FROM pg_policy"), "2", "and guards it")


def operators_see_all(version):
    with Shop(version) as place:
        owner, other = place.role("owner"), place.role("ops")
        place.sql(f"CREATE ROLE \"{owner}\" NOLOGIN; CREATE ROLE \"{other}\" NOLOGIN; " + TABLES
                  + f"ALTER TABLE orders OWNER TO \"{owner}\"; GRANT SELECT ON orders TO \"{other}\"")
        holds(("owner_sees_nothing", "public.orders") in kinds(place.rls(tenants=TENANTS, tables=["orders"])), "the owner is held")
        equal(place.as_tenant("owner", "SELECT count(*) FROM orders"), "0", "to nothing")
        ops = {"tenants": TENANTS, "tables": ["orders"], "operators": [owner]}
        place.rls(**ops)
        equal(place.as_tenant("owner", "SELECT count(*) FROM orders"), "9", "now it works for all")
        equal(place.rls(**ops)["changes"], [], "the second run")
        ops["operators"] = [other, owner]
        place.rls(**ops)
        equal(place.as_tenant("ops", "SELECT count(*) FROM orders"), "9", "and another one")
        equal(place.rls(**ops)["changes"], [], "and no more")
        contains(place.rls(check=1, **{**ops, "operators": ["nobody"]})["error"]["message"], "operators")


def tenants_are_apart_by_schema(version):
    with Shop(version) as place:
        a, b = f"{place.database}_a", f"{place.database} B"
        place.sql(f"CREATE SCHEMA \"{a}\"; CREATE TABLE \"{a}\".t (id serial, v int); INSERT INTO \"{a}\".t (v) VALUES (1);")
        params = {"isolation": "schema", "tenants": [a, b], "role_prefix": "r "}
        try:
            place.rls(**params)
            place.sql(f"CREATE TABLE \"{b}\".later (id serial, v int); INSERT INTO \"{b}\".later (v) VALUES (7)")

            def as_role(tenant, text):
                return place.sql(f"SET ROLE \"r {tenant}\";\n{text}")
            equal(as_role(a, f"INSERT INTO \"{a}\".t (v) VALUES (2) RETURNING v"), "2", "it writes its own")
            equal(as_role(b, f"INSERT INTO \"{b}\".later (v) VALUES (8) RETURNING v"), "8", "and what came later")
            for who, whose, table in ((a, b, "later"), (b, a, "t")):
                try:
                    as_role(who, f"SELECT FROM \"{whose}\".{table}")
                    raise RuntimeError("read another tenant's table")
                except AssertionError as error:
                    contains(str(error), "permission denied")
            equal(place.rls(**params)["changes"], [], "the second run")
            place.sql(f"GRANT USAGE ON SCHEMA \"{a}\" TO PUBLIC; GRANT SELECT ON \"{a}\".t TO \"r {b}\"")
            holds(("open_schema", a) in kinds(place.rls(**params)), "a schema for everybody is told")
            contains(place.rls(check=1, prove="always", **params)["error"]["message"], "tenants are not apart")
        finally:
            place.sql(f"DROP SCHEMA \"{a}\" CASCADE; DROP SCHEMA \"{b}\" CASCADE; DROP ROLE \"r {a}\"; DROP ROLE \"r {b}\"")


def a_person_decides_on_production(version):
    with Shop(version, "production") as place:
        place.sql(TABLES)
        asked = place.rls(check=3, tenants=TENANTS, tables=["orders"])
        equal(place.sql("SELECT count(*) FROM pg_policy"), "0", "nothing before that")
        equal(place.as_tenant("acme", "SELECT 1 FROM orders"), "", "a role without rights by then")
        equal([c["executed"] for c in asked["changes"] if "POLICY" in c["statement"]], [False, False], "it waits")
        for approval in place.approvals():
            place.approve(approval["id"])
        equal(place.as_tenant("acme", "SELECT count(*) FROM orders"), "3", "as it was approved")
        equal(place.rls(tenants=TENANTS, tables=["orders"])["changes"], [], "the next run")


def bad_input(version):
    with Shop(version) as place:
        place.sql(TABLES + "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
                  "CREATE FOREIGN TABLE far (tenant_id text) SERVER s")
        done = place.rls()
        equal([done["status"], done["changes"]], ["ok", []], "nobody to keep apart")
        contains(json.dumps(done["result"]["skipped"]), "--tenants")
        contains(json.dumps(place.rls(tenants=["a"], schemas=["nowhere"])["result"]["skipped"]), "has a column tenant_id")
        skipped = json.dumps(place.rls(tenants=["a"], tables=["totals", "far", "shared"])["result"]["skipped"])
        contains(skipped, "is a view", "foreign table", "no such column", "Data API")
        for params, text in (({"tenants": ["a", "a"]}, "twice"), ({"tenants": [""]}, "empty name"),
                             ({"tenants": ["x" * 60]}, "too long"), ({"tenants": ["a"], "roles": ["x", "y"]}, "2 role(s) for 1"),
                             ({"tenants": ["a"], "role_prefix": "pg_"}, "server's own"),
                             ({"tenants": ["a"], "tables": ["missing"]}, "no table missing")):
            contains(place.rls(check=1, **params)["error"]["message"], text)
        equal(place.cli("run", "configure_rls", "--branch", place.branch, "--access", "all").returncode, 2, "no such access")
        equal(place.roles(), "", "no role was made")
        place.sql(f"CREATE POLICY \"{place.role('a')}\" ON orders FOR SELECT USING (true)")
        contains(json.dumps(place.rls(tenants=["a"], tables=["orders"])["result"]["skipped"]), "for one command only")


def on_a_local_lakebase(version):
    with Local(version, targets=(("production", "throwaway"), ("*", "throwaway"))) as place:
        place.sql("CREATE TABLE orders (tenant_id text, v int); INSERT INTO orders VALUES ('a', 1), ('b', 2)")
        done = place.run("configure_rls", tenants=["a", "b"])
        equal(place.sql("SET ROLE tenant_a; SELECT v FROM orders"), "1", "apart")
        contains(json.dumps(done["result"]["skipped"]), "Data API", "has none")
        equal(place.run("configure_rls", tenants=["a", "b"])["changes"], [], "the second run")


def in_a_workspace():
    """Who works there is no superuser, and there is a Data API."""
    with Workspace(targets=(("*", "throwaway"),)) as place:
        place.project("shop")
        place.sql("CREATE TABLE orders (tenant_id text, v int); INSERT INTO orders VALUES ('a', 1), ('b', 2)")
        params = {"tenants": ["a", "b"], "exposed_schemas": ["public"], "cors_origins": ["https://shop.example"]}
        plan = [c["statement"] for c in place.run("configure_rls", plan=True, **params)["changes"]]
        holds("GRANT tenant_a, tenant_b TO authenticator" in plan, f"a plan shows who the Data API is to act as: {plan}")
        equal(place.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'tenant%'"), "0", "and makes nothing")
        done = place.run("configure_rls", **params)
        equal(done["result"]["tried"], 1, "tried by acting as them")
        equal(place.sql("SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
                        "WHERE r.rolname = 'tenant_a' AND m.member = current_user::regrole AND NOT m.admin_option"), "0", "the membership for that is given back")
        equal(place.sql("SELECT pg_has_role('authenticator', 'tenant_b', 'MEMBER')"), "t", "the Data API can act as a tenant")
        path = "projects/shop/branches/production/databases/databricks-postgres/data-api"
        status = place.emulator.postgres("GET", path).json["status"]
        equal([status["db_schemas"], status["server_cors_allowed_origins"]], [["public"], ["https://shop.example"]], "the Data API")
        equal(place.run("configure_rls", **params)["changes"], [], "the second run")
        place.sql("CREATE SCHEMA api")
        more = place.run("configure_rls", check=3, **{**params, "exposed_schemas": ["api"], "cors_origins": []})
        for approval in place.approvals():  # to show more is for a person to decide
            place.approve(approval["id"])
        equal(place.emulator.postgres("GET", path).json["status"]["db_schemas"], ["public", "api"], "what is missing is added")
        holds(any(k == "surplus_schema" for k, _ in kinds(more)), "what is surplus is told")


def nothing_is_shown_before_the_tenants_are_apart():
    """On production what keeps them apart waits, and so does the Data API; origins alone do not enable it either."""
    with Workspace(targets=(("*", "production"),)) as place:
        place.project("shop")
        place.sql("CREATE TABLE orders (tenant_id text, v int); INSERT INTO orders VALUES ('a', 1), ('b', 2)")
        path = "projects/shop/branches/production/databases/databricks-postgres/data-api"
        origins = {"tenants": ["a", "b"], "cors_origins": ["https://shop.example"]}
        params = {**origins, "exposed_schemas": ["public"]}
        none = place.run("configure_rls", tenant_column="org", **params)
        contains(json.dumps(none["result"]["skipped"]), "none of those looked at has a column org", "so nothing is shown")
        equal(place.emulator.postgres("GET", path).status, 404, "where no table is kept apart")
        asked = place.run("configure_rls", check=3, **params)
        contains(json.dumps(asked["result"]["skipped"]), "waits for a person")
        equal(place.emulator.postgres("GET", path).status, 404, "nothing is shown before that")
        for approval in place.approvals():
            place.approve(approval["id"])
        contains(json.dumps(place.run("configure_rls", **origins)["result"]["skipped"]), "--exposed_schemas does that")
        equal(place.emulator.postgres("GET", path).status, 404, "whose pages may ask is no wish to show anything")
        place.run("configure_rls", check=None, **params)
        for approval in place.approvals():
            if approval["status"] == "pending":
                place.approve(approval["id"])
        equal(place.emulator.postgres("GET", path).json["status"]["db_schemas"], ["public"], "now it is")
        equal(place.run("configure_rls", **params)["changes"], [], "the next run")


DATA_API = "projects/shop/branches/production/databases/databricks-postgres/data-api"


def whether_there_is_a_data_api_is_told_by_codes():
    """Not by words, which are the platform's to change."""
    with Workspace(targets=(("*", "throwaway"),)) as place:
        place.project("shop")
        place.sql("CREATE TABLE orders (tenant_id text, v int); INSERT INTO orders VALUES ('a', 1), ('b', 2)")
        params = {"tenants": ["a", "b"], "exposed_schemas": ["public"]}
        place.emulator.fault("status", "/data-api$", "GET", status=404, error_code="ENDPOINT_NOT_FOUND", count=0,
                             message="no such call: data api")
        done = place.run("configure_rls", **params)
        contains(json.dumps(done["result"]["skipped"]), "the control plane here has none")
        holds(not any("data-api" in c["statement"] for c in done["changes"]), "it is not asked for")
        place.emulator.control("DELETE", "faults")
        place.emulator.fault("status", "/data-api$", "GET", status=404, error_code="NOT_FOUND", count=0, message="nothing there")
        done = place.run("configure_rls", **params)
        equal([c["statement"].split()[0] for c in done["changes"] if "data-api" in c["statement"]], ["POST"], "it was off")
        place.emulator.control("DELETE", "faults")
        equal(place.emulator.postgres("GET", DATA_API).json["status"]["db_schemas"], ["public"], "and is on")


def the_data_api_waits_for_the_parts_of_a_table(version):
    with Workspace(targets=(("*", "throwaway"),)) as place:
        place.project("shop", version=version)
        place.sql("CREATE TABLE orders (tenant_id text, v int) PARTITION BY LIST (v); CREATE TABLE orders_rest PARTITION OF orders DEFAULT;"
                  "INSERT INTO orders VALUES ('a', 1), ('b', 2); GRANT SELECT ON orders_rest TO PUBLIC")
        params = {"tenants": ["a", "b"], "exposed_schemas": ["public"]}
        done = place.run("configure_rls", **params)
        contains(json.dumps(done["result"]["skipped"]), "Data API", "by a part of a table")
        equal(place.emulator.postgres("GET", DATA_API).status, 404, "nothing is shown")
        place.sql(next(f["fix"] for f in done["result"]["findings"] if f["kind"] == "partition_evades_policies"))
        place.run("configure_rls", **params)
        equal(place.emulator.postgres("GET", DATA_API).json["status"]["db_schemas"], ["public"], "now it is")


def the_data_api_waits_for_every_table(version):
    """One that is guarded does not make up for one that is not."""
    with Workspace(targets=(("*", "throwaway"),)) as place:
        place.project("shop", version=version)
        place.sql("CREATE TABLE orders (tenant_id text, v int); CREATE TABLE bills (tenant_id text, v int); CREATE TABLE news (v int);"
                  "INSERT INTO bills VALUES ('a', 1), ('b', 2); CREATE POLICY tenant_a ON bills FOR SELECT USING (true)")
        params = {"tenants": ["a", "b"], "exposed_schemas": ["public"]}
        for tables, reason in ([], "for one command only"), (["orders", "news"], "no such column"):
            skipped = {s["object"]: s["reason"] for s in place.run("configure_rls", **params, tables=tables)["result"]["skipped"]}
            contains("; ".join(skipped.values()), reason, "a table is not guarded")
            holds("Data API" in skipped, "and the Data API is left as it is")
            equal(place.emulator.postgres("GET", DATA_API).status, 404, f"nothing is shown by it: {reason}")
        equal(place.sql("SELECT relrowsecurity FROM pg_class WHERE relname = 'orders'"), "t", "what can be guarded is")
        place.sql("DROP POLICY tenant_a ON bills")
        place.run("configure_rls", **params)
        equal(place.emulator.postgres("GET", DATA_API).json["status"]["db_schemas"], ["public"], "now it is")


suite(*each_version(tenants_are_apart_by_column, what_is_not_tried_is_said, rows_without_a_tenant_are_counted, keys_of_every_type, what_was_changed_is_mended, operators_see_all,
                    who_is_no_tenant_reads_nothing, a_tenant_without_a_partition_is_no_leak,
                    the_table_is_held_for_what_is_new, it_waits_for_the_table_in_short_turns,
                    who_gets_around_policies_is_told, a_part_of_a_table_is_no_way_around,
                    the_data_api_waits_for_the_parts_of_a_table, the_data_api_waits_for_every_table,
                    tenants_are_apart_by_schema, a_person_decides_on_production, bad_input, on_a_local_lakebase),
      in_a_workspace, whether_there_is_a_data_api_is_told_by_codes, nothing_is_shown_before_the_tenants_are_apart, at_once=2)
