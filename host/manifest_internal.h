/* manifest_internal.h: what the manifest's own files share: the schema as data, and the reader that follows it. */
#ifndef LBOPS_HOST_MANIFEST_INTERNAL_H
#define LBOPS_HOST_MANIFEST_INTERNAL_H

#include "manifest.h"
#include "toml.h"

#define MANIFEST_MOST_ENTRIES 4096 /* of one kind: tables in a list, tools of an agent */

/* What a key's value may be, and what it becomes in the struct. */
typedef enum field_kind {
    FIELD_TEXT = 1, /* char *; not empty */
    FIELD_LABEL,    /* char *; letters, digits, _ - . */
    FIELD_NAME,     /* char *; of a tool or plugin: [a-z][a-z0-9_]* */
    FIELD_PATTERN,  /* char *; text with * and ? */
    FIELD_EVENT,    /* char *; names with dots between them */
    FIELD_CRON,     /* char *; a schedule, or "" for none */
    FIELD_ZONE,     /* char *; a timezone */
    FIELD_SECRET,   /* char *; the name of a secret, given as { secret = "NAME" } */
    FIELD_PATH,     /* char *; made absolute */
    FIELD_PATHS,    /* char **; the same, NULL-terminated */
    FIELD_NAMES,    /* char **; names without repetition, NULL-terminated */
    FIELD_TEXTS,    /* char **; texts without repetition, NULL-terminated */
    FIELD_INT,      /* int or uint32_t, from min to max */
    FIELD_NUMBER,   /* double; NaN when it is not given */
    FIELD_BOOL,     /* bool */
    FIELD_TRISTATE, /* int; -1 when it is not given */
    FIELD_CHOICE,   /* int or enum; the first of the choices is 1, 0 when it is not given */
    FIELD_PARAMS,   /* manifest_params */
    FIELD_TOOLS,    /* an agent's `tools`, read with the agent */
    FIELD_TABLES    /* an agent's `tool`, likewise */
} field_kind;

typedef struct schema_field {
    const char *key;
    field_kind kind;
    bool required;
    size_t offset;
    int min, max;
    const char *const *choices; /* NULL-terminated */
    const char *fallback;       /* default, in text form; NULL: none */
    const char *doc;
} schema_field;

typedef struct schema_table {
    const char *header; /* "[workspace]" */
    const char *doc;
    const schema_field *fields;
    size_t count;
    size_t size;          /* of the struct, for tables that come in numbers */
    size_t place_offset;  /* of its manifest_place */
    size_t params_offset; /* any other key is a parameter and goes to the manifest_params there; 0: an unknown key */
} schema_table;

extern const schema_table schema_service, schema_alert, schema_agent, schema_tool, schema_secret, schema_site;

/* A table at the top of the file ([limits]) and the struct in the manifest that it fills. */
typedef struct schema_section {
    const char *key;
    const schema_table *table;
    size_t offset;
} schema_section;

extern const schema_section schema_sections[];
extern const size_t schema_section_count;

/* A list of tables at the top of the file ([[targets]]) and the array in the manifest that it fills. */
typedef struct schema_list {
    const char *key;
    const schema_table *table;
    size_t items_offset, count_offset;
} schema_list;

extern const schema_list schema_lists[];
extern const size_t schema_list_count;

typedef struct manifest_reader {
    manifest *m;
    manifest_problems *problems;
} manifest_reader;

manifest_place reader_place(const manifest_reader *reader, const toml_node *node);     /* of the value */
manifest_place reader_key_place(const manifest_reader *reader, const toml_node *node); /* of the key */

/* Reads a table by its schema into a struct that has been through schema_defaults. `what` names it in messages. */
void reader_fields(manifest_reader *reader, const schema_table *schema, const char *what, const toml_node *table,
                   void *into);
void schema_defaults(const manifest *m, const schema_table *schema, void *into);
void schema_free_fields(const schema_table *schema, void *from);

const toml_node *reader_child(const toml_node *table, const char *key);                 /* or NULL */
bool reader_is_table(manifest_reader *reader, const char *what, const toml_node *node); /* else a problem */
bool reader_is_named(manifest_reader *reader, const char *what, const toml_node *node); /* by its key; else a problem */
void reader_agent(manifest_reader *reader, const toml_node *node);
void reader_site(manifest_reader *reader, const toml_node *node);   /* [http.NAME] */
void reader_alerts(manifest_reader *reader, const toml_node *node); /* [services.alert], [services.alert.NAME] */

/* Makes room for one more struct of an array that is `count` long, zeroed; NULL, with a problem, when there are too
 * many. */
void *reader_append(manifest_reader *reader, const schema_table *schema, const toml_node *at, void *items_holder,
                    size_t *count);

/* One value: its problems, and what it becomes. */
void reader_value(manifest_reader *reader, const schema_field *field, const char *what, const toml_node *node,
                  void *into);
/* A parameter of a plugin: a text, or a reference to a secret. */
void reader_param(manifest_reader *reader, const char *what, const toml_node *node, manifest_params *into);
void manifest_params_done(manifest_params *params);
bool manifest_is_name(const char *text);

/* Names for "did you mean": keys of a table, tools of the agents. */
typedef struct name_list {
    const char **items;
    size_t count, capacity;
} name_list;
void name_list_add(name_list *list, const char *name);
/* "did you mean X?", else `otherwise`; valid until the next call of this thread with the same buffer. */
const char *name_list_hint(const name_list *list, const char *word, const char *otherwise, char *buffer, size_t size);
void name_list_done(name_list *list);

/* After all tables are read: what stands between them (orders, references, duplicates). */
void manifest_verify(manifest_reader *reader);
void manifest_verify_daemon(manifest_reader *reader); /* what only a daemon goes by: schedules, windows, approvals */
void manifest_verify_sites(manifest_reader *reader);
void manifest_verify_alerts(manifest_reader *reader);
/* There is a secret of that name, or a problem at that place: `what` names one that is not there. */
void reader_need_secret(manifest_reader *reader, manifest_place place, const char *what, const char *secret);
LB_PRINTF(6, 7)
void reader_report(manifest_reader *reader, manifest_place place, bool warning, int code, const char *hint,
                   const char *fmt, ...);
bool reader_is_blank(const char *text);            /* NULL is */
bool reader_is_same(const char *a, const char *b); /* NULL is only like NULL */
/* There is an agent's entry for the tool, or a problem at that place. */
const manifest_tool *reader_find_tool(manifest_reader *reader, const char *header, manifest_place place,
                                      const char *agent, const char *tool);
/* Arguments of tools take no secrets. */
void reader_refuse_secrets(manifest_reader *reader, const manifest_params *params, const char *tool);

char *manifest_absolute(const manifest *m, const char *path);

/* Is the secret there, and safe to read? */
LB_MUST_CHECK int secret_probe(const manifest_secret *secret, lb_error *err);
LB_MUST_CHECK int zone_check(const char *name, lb_error *err);
LB_MUST_CHECK int schedule_check(const char *text, lb_error *err);

#endif
