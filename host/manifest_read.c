/* From the manifest's text to its struct: one loop that follows the schema, and the few tables that are not plain rows.
 */
#include "fs.h"
#include "json.h"
#include "manifest_internal.h"
#include "nearest.h"

#include <limits.h>

manifest_place reader_place(const manifest_reader *reader, const toml_node *node)
{
    return (manifest_place){reader->m->path, node->line, node->column};
}

manifest_place reader_key_place(const manifest_reader *reader, const toml_node *node)
{
    return (manifest_place){reader->m->path, node->key_line, node->key_column};
}

/* ---- names for hints ---- */

void name_list_add(name_list *list, const char *name)
{
    BASE_PUSH(list->items, list->count, list->capacity);
    list->items[list->count++] = name;
}

const char *name_list_hint(const name_list *list, const char *word, const char *otherwise, char *buffer, size_t size)
{
    const char *nearest = nearest_name(word, list->items, list->count);
    if (!nearest)
        return otherwise;
    (void)snprintf(buffer, size, "did you mean %s?", nearest); /* cut, not lost */
    return buffer;
}

void name_list_done(name_list *list)
{
    free(list->items);
    *list = (name_list){0};
}

/* ---- tables by their schema ---- */

const toml_node *reader_child(const toml_node *table, const char *key)
{
    for (size_t i = 0; i < table->v.list.count; i++)
        if (strcmp(table->v.list.items[i].key, key) == 0)
            return &table->v.list.items[i];
    return NULL;
}

static const schema_field *find_field(const schema_table *schema, const toml_node *node)
{
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->fields[i].key, node->key) == 0)
            return &schema->fields[i];
    return NULL;
}

static void refuse_key(manifest_reader *reader, const schema_table *schema, const char *what, const toml_node *node)
{
    char hint[128];
    name_list keys = {0};
    for (size_t i = 0; i < schema->count; i++)
        name_list_add(&keys, schema->fields[i].key);
    manifest_problem_add(reader->problems, reader_key_place(reader, node), false, LB_ERR_INVALID,
                         name_list_hint(&keys, node->key, NULL, hint, sizeof hint), "%s has no key %s", what,
                         node->key);
    name_list_done(&keys);
}

void reader_fields(manifest_reader *reader, const schema_table *schema, const char *what, const toml_node *table,
                   void *into)
{
    for (size_t i = 0; i < table->v.list.count; i++) {
        const toml_node *node = &table->v.list.items[i];
        const schema_field *field = find_field(schema, node);
        if (field)
            reader_value(reader, field, what, node, into);
        else if (schema->params_offset)
            reader_param(reader, what, node, (manifest_params *)(void *)((char *)into + schema->params_offset));
        else
            refuse_key(reader, schema, what, node);
    }
    for (size_t i = 0; i < schema->count; i++)
        if (schema->fields[i].required && !reader_child(table, schema->fields[i].key))
            manifest_problem_add(reader->problems, reader_key_place(reader, table), false, LB_ERR_INVALID,
                                 schema->fields[i].doc, "%s has no %s", what, schema->fields[i].key);
}

void *reader_append(manifest_reader *reader, const schema_table *schema, const toml_node *at, void *items_holder,
                    size_t *count)
{
    manifest_place place = reader_key_place(reader, at);
    if (*count == MANIFEST_MOST_ENTRIES) {
        manifest_problem_add(reader->problems, place, false, LB_ERR_LIMIT, NULL, "more than %d of %s",
                             MANIFEST_MOST_ENTRIES, schema->header);
        return NULL;
    }
    char *items;
    memcpy(&items, items_holder, sizeof items);
    items = base_grow(items, (*count + 1) * schema->size);
    memcpy(items_holder, &items, sizeof items);
    char *added = items + (*count)++ * schema->size;
    memset(added, 0, schema->size);
    memcpy(added + schema->place_offset, &place, sizeof place);
    schema_defaults(reader->m, schema, added);
    return added;
}

bool reader_is_table(manifest_reader *reader, const char *what, const toml_node *node)
{
    if (node->kind == TOML_TABLE)
        return true;
    manifest_problem_add(reader->problems, reader_place(reader, node), false, LB_ERR_INVALID, NULL,
                         "%s must be a table, not %s", what, toml_kind_name(node->kind));
    return false;
}

bool reader_is_named(manifest_reader *reader, const char *what, const toml_node *node)
{
    if (manifest_is_name(node->key))
        return true;
    manifest_problem_add(reader->problems, reader_key_place(reader, node), false, LB_ERR_INVALID,
                         "a-z, then a-z, 0-9 and _, up to 63", "%s \"%s\" is no name", what, node->key);
    return false;
}

static void read_list(manifest_reader *reader, const schema_list *list, const toml_node *node)
{
    const char *header = list->table->header;
    if (node->kind != TOML_ARRAY) {
        manifest_problem_add(reader->problems, reader_place(reader, node), false, LB_ERR_INVALID,
                             "such tables have double brackets", "write %s, not [%s]", header, list->key);
        return;
    }
    for (size_t i = 0; i < node->v.list.count; i++) {
        const toml_node *item = &node->v.list.items[i];
        if (!reader_is_table(reader, header, item))
            continue;
        size_t count;
        memcpy(&count, (char *)reader->m + list->count_offset, sizeof count);
        void *entry = reader_append(reader, list->table, item, (char *)reader->m + list->items_offset, &count);
        memcpy((char *)reader->m + list->count_offset, &count, sizeof count);
        if (!entry)
            return;
        reader_fields(reader, list->table, header, item, entry);
    }
}

/* ---- [services] and [secrets] ---- */

static void read_service(manifest_reader *reader, const toml_node *node)
{
    static const char *const kinds[] = {"transport", "delta", "alert", "approval", "state", "model", "http"};
    char what[128], hint[128];
    (void)snprintf(what, sizeof what, "[services.%.80s]", node->key); /* cut, not lost */
    size_t kind = 0;
    while (kind < LB_COUNT(kinds) && strcmp(kinds[kind], node->key) != 0)
        kind++;
    if (kind == LB_COUNT(kinds)) {
        name_list names = {0};
        for (size_t i = 0; i < LB_COUNT(kinds); i++)
            name_list_add(&names, kinds[i]);
        manifest_problem_add(reader->problems, reader_key_place(reader, node), false, LB_ERR_NOT_FOUND,
                             name_list_hint(&names, node->key,
                                            "transport, delta, alert, approval, state, model or http", hint,
                                            sizeof hint),
                             "there is no service %s", node->key);
        name_list_done(&names);
        return;
    }
    if (!reader_is_table(reader, what, node))
        return;
    if (LB_KIND_TRANSPORT + kind == LB_KIND_ALERT) { /* in the order of lb_kind */
        reader_alerts(reader, node);
        return;
    }
    manifest_service *service =
        reader_append(reader, &schema_service, node, &reader->m->services, &reader->m->service_count);
    if (!service)
        return;
    service->kind = (lb_kind)(LB_KIND_TRANSPORT + kind);
    reader_fields(reader, &schema_service, what, node, service);
}

static void read_secret(manifest_reader *reader, const toml_node *node)
{
    char what[128];
    lb_error err;
    manifest_place place = reader_place(reader, node);
    (void)snprintf(what, sizeof what, "secret %.80s", node->key); /* cut, not lost */
    if (!reader_is_named(reader, "secret", node))
        return;
    if (node->kind != TOML_TABLE) {
        manifest_problem_add(
            reader->problems, place, false, LB_ERR_INVALID,
            "write { env = \"VARIABLE\" } or { file = \"PATH\" }, and change a secret that has been in a file",
            "%s stands in the manifest itself", what);
        return;
    }
    manifest_secret *secret =
        reader_append(reader, &schema_secret, node, &reader->m->secrets, &reader->m->secret_count);
    if (!secret)
        return;
    secret->name = base_strdup(node->key);
    reader_fields(reader, &schema_secret, what, node, secret);
    bool both = reader_child(node, "env") && reader_child(node, "file"),
         none = !reader_child(node, "env") && !reader_child(node, "file");
    if (both || none)
        manifest_problem_add(reader->problems, place, false, LB_ERR_INVALID,
                             "exactly one of env and file says where it is", "%s has %s", what,
                             both ? "both env and file" : "neither env nor file");
    else if ((secret->env || secret->file) && secret_probe(secret, &err) < 0)
        manifest_problem_add(reader->problems, place, false, err.code, err.hint, "%s: %s", what, err.message);
}

/* ---- the file ---- */

static void read_plain(manifest_reader *reader, const schema_section *section, const toml_node *node)
{
    if (reader_is_table(reader, section->table->header, node))
        reader_fields(reader, section->table, section->table->header, node, (char *)reader->m + section->offset);
}

static void read_each(manifest_reader *reader, const toml_node *node, const char *what,
                      void (*read)(manifest_reader *, const toml_node *))
{
    if (!reader_is_table(reader, what, node))
        return;
    for (size_t i = 0; i < node->v.list.count; i++)
        read(reader, &node->v.list.items[i]);
}

static void refuse_section(manifest_reader *reader, const toml_node *node)
{
    static const char *const tables[] = {"services", "secrets", "agents", "http"};
    char hint[128];
    name_list names = {0};
    BUF_AUTO all = BUF_INIT(256);
    for (size_t i = 0; i < schema_section_count; i++)
        name_list_add(&names, schema_sections[i].key);
    for (size_t i = 0; i < LB_COUNT(tables); i++)
        name_list_add(&names, tables[i]);
    for (size_t i = 0; i < schema_list_count; i++)
        name_list_add(&names, schema_lists[i].key);
    for (size_t i = 0; i < names.count; i++)
        buf_printf(&all, "%s%s", i == 0 ? "" : i + 1 == names.count ? " or " : ", ", names.items[i]);
    manifest_problem_add(reader->problems, reader_key_place(reader, node), false, LB_ERR_INVALID,
                         name_list_hint(&names, node->key, buf_text(&all), hint, sizeof hint), "a manifest has no %s",
                         node->key);
    name_list_done(&names);
}

static void read_section(manifest_reader *reader, const toml_node *node)
{
    for (size_t i = 0; i < schema_section_count; i++)
        if (strcmp(node->key, schema_sections[i].key) == 0) {
            read_plain(reader, &schema_sections[i], node);
            return;
        }
    for (size_t i = 0; i < schema_list_count; i++)
        if (strcmp(node->key, schema_lists[i].key) == 0) {
            read_list(reader, &schema_lists[i], node);
            return;
        }
    if (strcmp(node->key, "services") == 0)
        read_each(reader, node, "[services]", read_service);
    else if (strcmp(node->key, "secrets") == 0)
        read_each(reader, node, "[secrets]", read_secret);
    else if (strcmp(node->key, "agents") == 0)
        read_each(reader, node, "[agents]", reader_agent);
    else if (strcmp(node->key, "http") == 0)
        read_each(reader, node, "[http]", reader_site);
    else
        refuse_section(reader, node);
}

static void read_root(manifest_reader *reader, const toml_node *root)
{
    manifest_place whole = {.file = reader->m->path};
    if (!root->v.list.count) {
        manifest_problem_add(reader->problems, whole, false, LB_ERR_INVALID, "lbops init writes one to start from",
                             "the manifest is empty");
        return;
    }
    for (size_t i = 0; i < root->v.list.count; i++)
        read_section(reader, &root->v.list.items[i]);
    if (!reader_child(root, "workspace"))
        manifest_problem_add(reader->problems, whole, false, LB_ERR_INVALID,
                             "write [workspace] and name = \"...\" below it", "the manifest has no [workspace]");
    manifest_verify(reader);
}

/* The first line that is not UTF-8, as far as bytes tell. */
static int find_bad_line(const char *text, size_t length)
{
    int line = 1;
    for (const char *p = text, *end = text + length; p < end; line++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t rest = stop ? (size_t)(stop - p) : (size_t)(end - p);
        if (!json_is_utf8(p, rest))
            return line;
        p += rest + 1;
    }
    return line;
}

/* Is it text at all? A mark at the start is passed over, as some editors write it. */
static bool is_readable(manifest_reader *reader, const char **text, size_t *length)
{
    manifest_place place = {reader->m->path, 0, 0};
    const char *start = *text;
    if (*length >= 2 && (memcmp(start, "\xFF\xFE", 2) == 0 || memcmp(start, "\xFE\xFF", 2) == 0)) {
        manifest_problem_add(reader->problems, place, false, LB_ERR_INVALID, "save it as UTF-8",
                             "the manifest is in UTF-16");
        return false;
    }
    if (*length >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0) {
        manifest_problem_add(reader->problems, place, true, LB_ERR_INVALID, "save it as UTF-8 without the mark",
                             "the manifest begins with a byte order mark");
        *text += 3;
        *length -= 3;
    }
    if (*length > TOML_LONGEST || json_is_utf8(*text, *length))
        return true; /* too long is said by the parser */
    place.line = find_bad_line(*text, *length);
    place.column = 1;
    manifest_problem_add(reader->problems, place, false, LB_ERR_INVALID, "save it as UTF-8 text",
                         "the line is not UTF-8, or holds a NUL byte");
    return false;
}

static manifest *manifest_new(const char *path)
{
    manifest *m = base_alloc(sizeof *m);
    char resolved[PATH_MAX];
    const char *slash = strrchr(path, '/');
    LB_AUTO_FREE char *directory = !slash          ? base_strdup(".")
                                   : slash == path ? base_strdup("/")
                                                   : base_printf("%.*s", (int)(slash - path), path);
    m->path = base_strdup(path);
    m->directory = base_strdup(realpath(directory, resolved) ? resolved : directory);
    for (size_t i = 0; i < schema_section_count; i++)
        schema_defaults(m, schema_sections[i].table, (char *)m + schema_sections[i].offset);
    return m;
}

/* What the environment decides, and what was left to us. */
static void settle_paths(manifest *m)
{
    const char *state_dir = getenv("LBOPS_STATE_DIR");
    char working[PATH_MAX];
    if (state_dir && *state_dir) {
        free(m->state_dir);
        m->state_dir = *state_dir == '/' || !getcwd(working, sizeof working) ? base_strdup(state_dir)
                                                                             : base_printf("%s/%s", working, state_dir);
    }
    if (!m->plugin_dirs) {
        m->plugin_dirs = base_alloc(2 * sizeof *m->plugin_dirs);
        m->plugin_dirs[0] = manifest_default_plugin_dir();
    }
}

static int outcome_of(const manifest_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->items[i].warning)
            return problems->items[i].error.code;
    return 0;
}

manifest *manifest_parse_partly(const char *text, size_t length, const char *path, manifest_problems *problems)
{
    manifest_reader reader = {manifest_new(path), problems};
    toml_fault fault;
    toml_node *root = NULL;
    bool is_toml = is_readable(&reader, &text, &length);
    if (is_toml && toml_parse(text, length, &root, &fault) < 0) {
        manifest_problem_add(problems, (manifest_place){path, fault.line, fault.column}, false, fault.error.code,
                             fault.error.hint, "%s", fault.error.message);
        is_toml = false;
    }
    if (!is_toml)
        return manifest_free(reader.m);
    read_root(&reader, root);
    toml_free(root);
    settle_paths(reader.m);
    return reader.m;
}

manifest *manifest_read_partly(const char *path, manifest_problems *problems)
{
    LB_AUTO_FREE char *text = NULL;
    size_t length;
    lb_error err;
    if (fs_read(path, TOML_LONGEST, &text, &length, &err) >= 0)
        return manifest_parse_partly(text, length, path, problems);
    manifest_problem_add(problems, (manifest_place){.file = path}, false, err.code, err.hint, "%s", err.message);
    return NULL;
}

/* A manifest with an error is for checking only. */
static int whole_or_nothing(manifest *m, const manifest_problems *problems, manifest **ret_manifest)
{
    int r = outcome_of(problems);
    if (r < 0)
        (void)manifest_free(m); /* always NULL */
    else
        *ret_manifest = m;
    return r;
}

int manifest_parse(const char *text, size_t length, const char *path, manifest **ret_manifest,
                   manifest_problems *problems)
{
    return whole_or_nothing(manifest_parse_partly(text, length, path, problems), problems, ret_manifest);
}

int manifest_read(const char *path, manifest **ret_manifest, manifest_problems *problems)
{
    return whole_or_nothing(manifest_read_partly(path, problems), problems, ret_manifest);
}
