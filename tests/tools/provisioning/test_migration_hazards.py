"""test_migration_on_branch: which of the judge's warnings are left once the migration was run. A warning goes only where
the server's own files and locks speak against it."""

from place import VERSIONS, contains, equal, holds, suite
from rehearsing import BRANCH, Trying, on

ALLOW = "-- lbops:allow not-idempotent because it is tried\n"


def hazards(result):
    return {(h["file"][:2], h["rule"]): h for h in result["rehearsal"].get("hazards", [])}


def what_was_measured_confirms_and_refutes(version):
    """The same rule twice: a type that the server knows to be stored alike leaves the file in place, one that widens writes it anew.
    A limit that only grows is none of its dangers to begin with."""
    with Trying(version) as place:
        place.sql("ALTER TABLE app.orders ADD COLUMN name varchar(10) DEFAULT 'x', ADD COLUMN filled text DEFAULT 'y', ADD COLUMN net cidr;"
                  "ALTER TABLE app.orders ADD CONSTRAINT filled CHECK (filled IS NOT NULL AND filled <> '');"
                  "CREATE TABLE app.empty (id int, name varchar(10));"
                  "CREATE TABLE app.parts (id int NOT NULL, n int) PARTITION BY RANGE (id);"
                  "CREATE TABLE app.low PARTITION OF app.parts FOR VALUES FROM (0) TO (10);"
                  "INSERT INTO app.parts SELECT i, i FROM generate_series(0, 9) i;"
                  "CREATE FUNCTION app.seven() RETURNS int VOLATILE LANGUAGE sql AS 'SELECT 7'")
        place.files("files", **{
            "V0__grow.sql": ALLOW + "ALTER TABLE app.orders ALTER COLUMN name TYPE varchar(20);",
            "V1__alike.sql": ALLOW + "ALTER TABLE app.orders ALTER COLUMN net TYPE inet;",
            "V2__widen.sql": ALLOW + "ALTER TABLE app.orders ALTER COLUMN total TYPE bigint;",
            "V3__empty.sql": ALLOW + "ALTER TABLE app.empty ALTER COLUMN name TYPE varchar(20);",
            "V4__parts.sql": ALLOW + "ALTER TABLE app.parts ALTER COLUMN n TYPE bigint;",
            "V5__null.sql": "ALTER TABLE app.orders ALTER COLUMN filled SET NOT NULL;",
            "V6__seven.sql": "ALTER TABLE app.orders ADD COLUMN IF NOT EXISTS seven int DEFAULT app.seven();",
            "V7__code.sql": "DO $$ BEGIN IF EXISTS (SELECT FROM app.orders WHERE id > 1000) THEN "
                            "ALTER TABLE app.orders ALTER COLUMN id TYPE bigint; END IF; "
                            "COMMENT ON TABLE app.orders IS 'x'; END $$;",
            "V8__drop.sql": "ALTER TABLE app.orders DROP COLUMN IF EXISTS seven;"})
        done = place.try_out(rollback="skip")["result"]
        told = hazards(done)
        wanted = {("V1", "column-type"): ("refuted", False), ("V2", "column-type"): ("confirmed", True),
                  ("V3", "column-type"): ("not exercised", True), ("V4", "column-type"): ("confirmed", True),
                  ("V5", "set-not-null"): ("proven", False), ("V6", "column-volatile-default"): ("refuted", False),
                  ("V7", "column-type"): ("not exercised", True), ("V8", "column-drop"): ("confirmed", True)}
        equal([rule for file, rule in told if file == "V0"], ["destructive"], "nothing is feared of it but by the gate")
        equal({k: (told[k]["outcome"], told[k]["warns"]) for k in wanted}, wanted, f"{done['rehearsal']['hazards']}")
        contains(told[("V1", "column-type")]["measured"], "AccessExclusiveLock on app.orders for ")
        contains(told[("V1", "column-type")]["measured"], "neither read whole nor rewritten")
        contains(told[("V2", "column-type")]["measured"], ", rewritten; the server: rewriting table \"orders\"")
        contains(told[("V5", "set-not-null")]["measured"], "are sufficient to prove")
        equal(done["warnings"], sum(h["warns"] for h in told.values()), "counted")
        text = done["markdown"]
        contains(text, f"## Migration rehearsal: passed, with {done['warnings']} warning(s)\n")
        heeded, spared = text.index("### To be heeded"), text.index("### Foretold, and not so here")
        holds(heeded < text.index("V2__widen.sql, statement 1: column-type (confirmed: Access") < spared, text)
        holds(spared < text.index("V1__alike.sql, statement 1: column-type (refuted: Access"), text)
        equal(place.sql("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'app.orders'::regclass "
                        "AND attname = 'name'", branch=BRANCH), "character varying(20)", "it was really done")


def what_was_not_read_is_counted(version):
    """Code that is put together while it runs, and a text that does not parse: neither is ever counted as read."""
    with Trying(version) as place:
        place.files("files", **{
            "V1__a.sql": "COMMENT ON TABLE app.orders IS 'x';\nCOMMENT ON TABLE app.orders IS 'y';",
            "V2__b.sql": "-- lbops:allow code-not-analysed because it is tried\n"
                         "DO $$ BEGIN EXECUTE format('COMMENT ON TABLE %s IS %L', 'app.orders', 'z'); "
                         "EXECUTE 'COMMENT ON TABLE ' || 'app.orders' || ' IS NULL'; END $$;\nSELECT 1;"})
        done = place.try_out(rollback="skip", delete_after=True)["result"]
        equal(done["rehearsal"]["coverage"], {"analysed": 3, "not_analysed": 1}, f"{done['rehearsal'].get('not_analysed')}")
        equal(done["rehearsal"]["not_analysed"], [{"file": "V2__b.sql", "statement": 1, "why": "code-not-analysed"}], "which")
        contains(done["markdown"], "Statements: 3 analysed, 1 not analysed, so that only this run says what they do.")
        place.files("files", **{"V3__c.sql": "ALTER TABEL app.orders ADD c int;"})
        failed = place.try_out(rollback="skip", delete_after=True, check=1)["result"]
        told = failed["rehearsal"]
        holds(told["coverage"]["not_analysed"] == 2 and told["not_analysed"][-1]["why"] == "syntax-error", f"{told['not_analysed']}")
        contains(failed["markdown"], "V3__c.sql, statement")


suite(*[on(v, check) for check in (what_was_measured_confirms_and_refutes, what_was_not_read_is_counted) for v in VERSIONS],
      at_once=2)
