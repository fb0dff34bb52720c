#include "effect_rules.h"

/* What a function does beyond its answer. A name that ends with * is a prefix. First match counts; what stands in no
 * list here and is not a known builtin cannot be seen through. */
typedef struct function_rule {
    const char *name;
    effect effect;
    const char *what;
} function_rule;

#define ENDS_SESSIONS "ends or cancels sessions"

static const function_rule rules[] = {
    {"pg_terminate_backend", EFFECT_DISRUPTIVE, ENDS_SESSIONS},
    {"pg_cancel_backend", EFFECT_DISRUPTIVE, ENDS_SESSIONS},
    {"pg_reload_conf", EFFECT_DISRUPTIVE, "applies changed settings"},
    {"pg_stat_reset*", EFFECT_DISRUPTIVE, "forgets statistics"},
    {"pg_stat_statements_reset", EFFECT_DISRUPTIVE, "forgets statistics"},
    {"pg_qualstats_reset", EFFECT_DISRUPTIVE, "forgets statistics"},
    {"pg_wait_sampling_reset_profile", EFFECT_DISRUPTIVE, "forgets statistics"},
    {"setval", EFFECT_DISRUPTIVE, "moves a sequence"},
    {"nextval", EFFECT_ADDITIVE, "advances a sequence"},
    {"pg_drop_replication_slot", EFFECT_DESTRUCTIVE, "drops a replication slot"},
    {"pg_replication_slot_advance", EFFECT_DESTRUCTIVE, "skips changes of a replication slot"},
    {"pg_logical_slot_get_*", EFFECT_DESTRUCTIVE, "consumes changes of a replication slot"},
    {"pg_logical_slot_peek_*", EFFECT_READ, NULL},
    {"pg_create_physical_replication_slot", EFFECT_DISRUPTIVE, "makes the server keep its WAL"},
    {"pg_create_logical_replication_slot", EFFECT_DISRUPTIVE, "makes the server keep its WAL"},
    {"pg_copy_*", EFFECT_DISRUPTIVE, "makes the server keep its WAL"},
    {"pg_sync_replication_slots", EFFECT_DISRUPTIVE, "changes replication slots"},
    {"pg_replication_origin_drop", EFFECT_DESTRUCTIVE, "drops a replication origin"},
    {"pg_replication_origin_oid", EFFECT_READ, NULL},
    {"pg_replication_origin_progress", EFFECT_READ, NULL},
    {"pg_replication_origin_*", EFFECT_DISRUPTIVE, "changes replication origins"},
    {"pg_promote", EFFECT_DESTRUCTIVE, "promotes a standby, which cannot be undone"},
    {"pg_wal_replay_*", EFFECT_DISRUPTIVE, "holds or resumes a standby"},
    {"pg_switch_wal", EFFECT_ADDITIVE, "switches to a new WAL file"},
    {"pg_create_restore_point", EFFECT_ADDITIVE, "marks a restore point"},
    {"pg_log_*", EFFECT_ADDITIVE, "writes to the log or the WAL"},
    {"pg_logical_emit_message", EFFECT_ADDITIVE, "writes a message into the WAL"},
    {"pg_rotate_logfile", EFFECT_ADDITIVE, "rotates the log file"},
    {"pg_backup_start", EFFECT_ADDITIVE, "starts a base backup"},
    {"pg_backup_stop", EFFECT_ADDITIVE, "ends a base backup"},
    {"pg_export_snapshot", EFFECT_ADDITIVE, "exports a snapshot"},
    {"pg_notify", EFFECT_ADDITIVE, "sends a notification"},
    {"pg_advisory_*", EFFECT_ADDITIVE, "takes or frees an advisory lock"},
    {"pg_try_advisory_*", EFFECT_ADDITIVE, "takes an advisory lock"},
    {"brin_summarize_*", EFFECT_ADDITIVE, "maintains an index"},
    {"brin_desummarize_range", EFFECT_ADDITIVE, "maintains an index"},
    {"gin_clean_pending_list", EFFECT_ADDITIVE, "maintains an index"},
    {"lo_unlink", EFFECT_DESTRUCTIVE, "deletes a large object"},
    {"lo_truncate*", EFFECT_DESTRUCTIVE, "cuts a large object"},
    {"lo_put", EFFECT_DESTRUCTIVE, "overwrites a large object"},
    {"lowrite", EFFECT_DESTRUCTIVE, "overwrites a large object"},
    {"lo_export", EFFECT_DESTRUCTIVE, "writes a file of the server"},
    {"lo_import", EFFECT_DESTRUCTIVE, "reads a file of the server into the database"},
    {"lo_creat*", EFFECT_ADDITIVE, "creates a large object"},
    {"lo_from_bytea", EFFECT_ADDITIVE, "creates a large object"},
    {"lo_*", EFFECT_READ, NULL},
    {"pg_file_*", EFFECT_DESTRUCTIVE, "changes files of the server"},
    {"pg_truncate_visibility_map", EFFECT_DISRUPTIVE, "empties a visibility map"},
    {"pg_buffercache_evict*", EFFECT_DISRUPTIVE, "empties the cache"},
    {"bt_index_parent_check", EFFECT_DISRUPTIVE, "locks a table against writes"},
    {"dblink*", EFFECT_DESTRUCTIVE, "cannot be seen through: it runs statements on another server"},
    {"query_to_xml*", EFFECT_DESTRUCTIVE, "cannot be seen through: it runs a statement given as text"},
    {"cursor_to_xml*", EFFECT_DESTRUCTIVE, "cannot be seen through: it runs a statement given as text"},
    {"ts_stat", EFFECT_DESTRUCTIVE, "cannot be seen through: it runs a statement given as text"},
    {"ts_rewrite", EFFECT_DESTRUCTIVE, "cannot be seen through: it runs a statement given as text"},
};

/* Of extensions that ours or most schemas use, trusted where extensions are put. */
static const char *const extension_functions[] = {
    "hypopg*",
    "pgstattuple*",
    "pgstatindex",
    "pgstatginindex",
    "pgstathashindex",
    "pg_relpages",
    "pg_visibility*",
    "pg_freespace",
    "pg_buffercache*",
    "pg_stat_statements",
    "pg_stat_statements_info",
    "pg_qualstats*",
    "pg_wait_sampling_get_*",
    "bt_index_check",
    "verify_heapam",
    "bt_metap",
    "bt_page_stats",
    "similarity",
    "word_similarity",
    "strict_word_similarity",
    "show_trgm",
    "unaccent",
    "digest",
    "hmac",
    "crypt",
    "gen_salt",
    "gen_random_bytes",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "uuid_generate_v5",
    "cosine_distance",
    "l2_distance",
    "inner_product",
    "vector_dims",
    "vector_norm",
    "levenshtein",
    "soundex",
    "metaphone",
    "hstore",
    "akeys",
    "avals",
};

static bool matches(const char *pattern, const char *name)
{
    size_t fixed = strcspn(pattern, "*");
    return pattern[fixed] ? strncmp(pattern, name, fixed) == 0 : strcmp(pattern, name) == 0;
}

typedef struct function_name {
    char schema[64], name[64]; /* a database may stand before both; then it is not ours */
} function_name;

static function_name split_name(tree name)
{
    function_name f = {"", ""};
    for (tree part = tree_first(name); part.at; part = tree_next(part)) {
        memcpy(f.schema, f.name, sizeof f.schema);
        tree_text(tree_path(part, "String", "sval"), f.name, sizeof f.name);
    }
    return f;
}

static bool in_system_schema(const function_name *f)
{
    return !f->schema[0] || strcmp(f->schema, "pg_catalog") == 0;
}

static bool is_harmless_extension(const function_name *f)
{
    if (!in_system_schema(f) && strcmp(f->schema, "public") != 0 && strcmp(f->schema, "extensions") != 0)
        return false;
    for (size_t i = 0; i < LB_COUNT(extension_functions); i++)
        if (matches(extension_functions[i], f->name))
            return true;
    return false;
}

static const function_rule *find_rule(const char *name)
{
    for (size_t i = 0; i < LB_COUNT(rules); i++)
        if (matches(rules[i].name, name))
            return &rules[i];
    return NULL;
}

static bool is_known_harmless(const function_name *f, bool *ret_volatile)
{
    *ret_volatile = true;
    if (in_system_schema(f) && function_is_builtin(f->name, ret_volatile))
        return true;
    return is_harmless_extension(f);
}

void judge_function(judge *j, tree name)
{
    function_name f = split_name(name);
    const function_rule *r = find_rule(f.name);
    bool is_volatile;
    if (r && r->effect == EFFECT_READ && in_system_schema(&f))
        return;
    if (r && r->effect > EFFECT_READ && strcmp(r->what, ENDS_SESSIONS) == 0)
        judge_add_ended(j, "calls %s(): %s", label_of(name).text, r->what);
    else if (r && r->effect > EFFECT_READ)
        judge_add(j, r->effect, "calls %s(): %s", label_of(name).text, r->what);
    else if (!is_known_harmless(&f, &is_volatile))
        judge_add(j, EFFECT_DESTRUCTIVE, "calls %s(), which cannot be seen through", label_of(name).text);
}

bool function_is_stable(tree name)
{
    function_name f = split_name(name);
    bool is_volatile;
    return !find_rule(f.name) && is_known_harmless(&f, &is_volatile) && !is_volatile;
}
