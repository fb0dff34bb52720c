"""Whoever may make a table may give it a name that colours a terminal or looks like lines of ours: people are shown such
names, in a run's words, on the page of an approval and in errors, and their terminals are not."""

from place import Given, each_version, equal, holds, suite

FORGED = 'z\x1b[31mred\nhint: DROP TABLE orders'
HOSTILE = 'z\x1b[31mred\n      fix      DROP TABLE orders\u202e'
QUOTED = '"' + HOSTILE + '"'
ASKS = '[[gate]]\ndecision = "ask"\neffect = "additive"\nreason = "people want to see each change"\n' \
       '[[gate]]\ndecision = "ask"\neffect = "destructive"\nreason = "people want to see each change"\n'
LIMITS = ("--days", "0", "--min_reads", "0", "--min_unused_bytes", "0", "--min_confidence", "0")


def plain(text, what):
    """Nothing steers the terminal, and no line is the name's."""
    holds("\x1b" not in text and "\u202e" not in text, f"{what}: {text!r}")
    # The statement itself has its lines, each below its first.
    holds(not any(line.startswith(("fix ", "      fix      DROP TABLE orders")) for line in text.splitlines()),
          f"{what} has a line that is a name's: {text!r}")
    holds("\\x1b[31mred" in text, f"{what} does not show it: {text!r}")


def names_are_shown_and_not_carried_out(version):
    with Given(version, more=ASKS) as place:
        place.sql(f"CREATE TABLE orders (id int PRIMARY KEY, code text); INSERT INTO orders SELECT i, i FROM"
                  f" generate_series(1, 5000) i; CREATE INDEX by_code ON orders (code); CREATE INDEX {QUOTED} ON orders (code);"
                  " ANALYZE orders")
        plain(place.cli("run", "detect_duplicate_indexes", "--branch", place.branch, check=0).stdout, "a finding")
        asked = place.cli("run", "generate_index_recommendation", "--branch", place.branch, "--apply", "true", *LIMITS)
        equal(asked.returncode, 3, f"it asks: {asked.stdout}{asked.stderr}")
        (request,) = [a for a in place.approvals() if a["status"] == "pending"]
        plain(place.cli("approvals", request["id"], check=0).stdout, "an approval")
        holds(HOSTILE in "".join(p["statement"] for p in request["plan"]) or HOSTILE in str(request), "what is stored is as it is")


def errors_are_no_lines_of_ours(version):
    with Given(version) as place:
        asked = place.cli("run", "explain_query_in_natural_language", "--branch", place.branch, "--query",
                          f'SELECT * FROM "{FORGED}"', check=1)
        text = asked.stdout + asked.stderr
        holds("\x1b" not in text and not any(line.startswith("hint: DROP") for line in text.splitlines()), f"an error: {text!r}")
        holds('"z [31mred hint: DROP TABLE orders" does not exist' in text, f"errors have blanks there: {text!r}")


suite(*each_version(names_are_shown_and_not_carried_out, errors_are_no_lines_of_ours))
