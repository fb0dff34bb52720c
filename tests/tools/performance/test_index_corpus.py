"""The index detectors over a labelled corpus: precision and recall of each, with every false finding by name."""

import subprocess

import index_corpus
import planted
from place import Given, contains, each_version, equal, holds, suite

PRECISION, RECALL = 0.97, 0.95
ARGUMENTS = {
    "detect_unused_indexes": {"days": 0, "min_minutes": 0, "min_bytes": 16384, "min_reads": 15},
    "detect_duplicate_indexes": {},
    "detect_missing_fk_indexes": {"min_rows": 1000, "min_bytes": 1 << 40},
    "detect_bloated_indexes": {"min_bytes": 65536},
    "detect_missing_indexes": {"min_bytes": 0, "min_rows": 5000, "min_calls": 10, "min_mean_ms": 0, "write_us": 0,
                               "min_brin_bytes": 0, "max_proofs": 200},
}
WHOLE = {"days": 1e6, "min_minutes": 0, "min_unused_bytes": 16384, "min_reads": 300, "min_rows": 1000,
         "min_table_bytes": 500000}


def plant(place, corpus, least=300):
    later = [text for text in corpus.later if isinstance(text, str)]
    for text in ("CREATE EXTENSION pgstattuple; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hypopg; CREATE EXTENSION pg_trgm;\n" + "\n".join(corpus.setup), "VACUUM ANALYZE", "\n".join(later)):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", place.url()], input=text,
                              capture_output=True, text=True, check=False)
        equal(done.returncode, 0, done.stderr)  # without the text, which is long
    for text in corpus.later:
        if isinstance(text, tuple):
            failed = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", place.url(), "-c", text[1]],
                                    capture_output=True, text=True, check=False)
            holds(failed.returncode != 0, f"{text[1]} was to fail")
    planted = int(place.sql("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n"
                            " ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information)'"))
    holds(planted >= least, f"only {planted} indexes are planted")
    return planted


def judge(tool, found, corpus):
    """(right, wrong, missed): of two equal indexes either is right, once."""
    expected = set(corpus.expected[tool])
    names = [f["object"] for f in found]
    for pair in corpus.either if tool == "detect_duplicate_indexes" else ():
        hits = [name for name in names if name in pair]
        expected.add(hits[0] if hits else sorted(pair)[0])
    equal(len(names), len(set(names)), f"{tool}: objects named once")
    return set(names) & expected, set(names) - expected, expected - set(names)


def compare_with_truth(place, corpus):
    """Percent of bloat as estimated, and as the pages say; fails where more than one in ten is off by more than ten."""
    found = place.findings("detect_bloated_indexes", min_bytes=0, threshold=1, wasted_bytes=1)
    estimates = {f["object"]: f["evidence"]["bloat_percent"] for f in found}
    lines = place.sql("SELECT c.relname, coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'fillfactor=([0-9]+)'), '90'),"
                      " s.* FROM pg_class c, LATERAL pgstatindex(c.oid) s WHERE c.relname ~ '^bloat_.*_i$'").splitlines()
    near, far = 0, []
    for line in lines:
        name, fill, _, _, size, _, inner, leaves, _, _, density, _ = line.split("|")
        needed = int(leaves) * float(density) / int(fill) + int(inner) + 2
        truth = max(0, 100 * (1 - needed / (int(size) / 8192)))
        estimate = estimates.get(f"public.{name}", 0)
        near += abs(truth - estimate) <= 10
        far += [] if abs(truth - estimate) <= 10 else [f"{name}: {estimate:.0f} % for {truth:.0f} %"]
    print(f"  bloat within 10 points of pgstattuple: {near} of {len(lines)}" + "".join(f"\n    off: {text}" for text in far))
    holds(len(lines) >= 40, f"{len(lines)} indexes were measured")
    holds(near >= 0.9 * len(lines), "nine in ten estimates are near the truth")


def describe(evidence):
    """The index that is proposed, in the words of the corpus."""
    words = ", ".join(evidence["columns"])
    if evidence["stored_beside"]:
        words += " beside " + ", ".join(evidence["stored_beside"])
    if evidence["takes_the_place_of"]:
        equal(evidence["makes_redundant"], evidence["takes_the_place_of"], "what can go then")
        words += " instead"
    if evidence["only_rows_where"]:
        words += f" where {evidence['only_rows_where']} {evidence['is']}"
    return words + (f" by {evidence['method']}" if evidence["method"] != "btree" else "")


def begin(version, planted):
    return [f"  corpus of {planted} indexes on {version}\n"
            f"  {'detector':28}{'right':>7}{'false':>7}{'missed':>8}{'precision':>11}{'recall':>8}"]


def measure(said, tool, found, corpus):
    """Is it above the mark? Says the numbers, and what is wrong by name."""
    right, wrong, missed = judge(tool, found, corpus)
    precision = len(right) / max(1, len(right) + len(wrong))
    recall = len(right) / max(1, len(right) + len(missed))
    said.append(f"  {tool:28}{len(right):7}{len(wrong):7}{len(missed):8}{precision:11.3f}{recall:8.3f}")
    by_name = {f["object"]: f for f in found}
    said += [f"    false: {name}: {by_name[name]['reason']}" for name in sorted(wrong)]
    said += [f"    missed: {name}" for name in sorted(missed)]
    for name in sorted(right if tool == "detect_missing_indexes" else ()):
        columns = describe(by_name[name]["evidence"])
        equal(columns, corpus.columns.get(name, columns), f"columns for {name}")
    return precision >= PRECISION and recall >= RECALL


def detectors_are_precise(version):
    corpus = index_corpus.build()
    failures = []
    with Given(version) as place:
        said = begin(version, plant(place, corpus))
        for tool, kinds in index_corpus.KINDS.items():
            found = place.findings(tool, **ARGUMENTS[tool])
            equal({f["kind"] for f in found} - set(kinds), set(), f"kinds of {tool}")
            if not measure(said, tool, found, corpus):
                failures.append(tool)
        print("\n".join(said), flush=True)  # as one: two servers are looked at side by side
        equal(failures, [], "detectors below the mark")
        compare_with_truth(place, corpus)


def rules_of_the_whole_are_precise(version):
    corpus = index_corpus.build_whole()
    with Given(version, more=planted.KEEPS) as place:
        said = begin(version, plant(place, corpus, least=300))
        planted.plant(place, "lakebase_metrics", [planted.metric("table_index_writes", planted.midnight(-days), value, name)
                                                  for name, looks in corpus.written.items() for days, value in looks])
        result = place.run("run_full_index_analysis", **WHOLE)["result"]
        failures = []
        for rule, kinds in index_corpus.WHOLE.items():
            found = [f for f in result["findings"] if f["kind"] in kinds]
            equal([f["object"] for f in found if f["fix"]], [], f"statements of {rule}")
            if not measure(said, rule, found, corpus):
                failures.append(rule)
        print("\n".join(said), flush=True)
        equal(failures, [], "rules below the mark")
        equal((result["low_cardinality"], result["many"]), tuple(len(corpus.expected[rule]) for rule in index_corpus.WHOLE),
              "as the tally has it")
        contains(str(result["skipped"]), "they have few values, and the planner takes them all the same",
                 "they have few values, but their tables were read too seldom to tell",
                 "it has few values, as statistics say that are of before many changes",
                 "it is the only one on a foreign key",
                 "their indexes are many, but what is written to them is not known")


suite(*each_version(detectors_are_precise, rules_of_the_whole_are_precise), at_once=2)
