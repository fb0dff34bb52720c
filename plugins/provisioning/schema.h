/* schema.h: the schema of a database as a model, the difference of two, and the SQL that leads from one to the other.
 *
 * An object of the model is what the catalogue queries (sql/schema/read_*.sql) say of it: its kind, its address as SQL
 * names it ("TABLE public.orders"), attributes as named texts, and what it is a part of. Most texts are SQL that the
 * server printed, so comparing is comparing texts, and a statement is a catalogue statement whose parameters are
 * attributes of the object by name. Everything lives in the run's memory. */
#ifndef LBOPS_SCHEMA_H
#define LBOPS_SCHEMA_H

#include <lbops/lbops.h>

/* Of what a snapshot holds: it grows with each kind of object that is read. */
#define SCHEMA_VERSION 2

#define SCHEMA_NONE      UINT32_MAX
#define SCHEMA_KINDS_MAX 64

/* Where the server keeps it: pg_class, the OID, the column. All zero for what is no object of its own there. */
typedef struct schema_key {
    int64_t catalog, object, part;
} schema_key;

typedef struct schema_attr {
    const char *name, *value;
} schema_attr;

typedef struct schema_object {
    const struct schema_kind *kind;
    const char *schema;  /* unquoted; NULL where it is in none */
    const char *address; /* unique within its kind */
    const char *name;    /* unquoted; NULL where the address is all */
    schema_key key, up_key;
    const schema_attr *attrs;
    uint32_t attr_count;
    uint32_t up;       /* what it is a part of, or SCHEMA_NONE */
    uint32_t twin;     /* the same object in the other model, or SCHEMA_NONE */
    uint32_t position; /* among all of its model: what it needs comes before it */
    unsigned marks;    /* schema_mark */
} schema_object;

enum schema_mark {
    SCHEMA_EARLY = 1,     /* from: is dropped before anything is made */
    SCHEMA_ASIDE = 2,     /* from: a type that is renamed, and dropped when its successor is in use */
    SCHEMA_UNDEFAULT = 4, /* from: its default goes early */
    SCHEMA_MAKE = 8,      /* to: is made */
    SCHEMA_RETYPE = 16,   /* to: its type was made anew */
    SCHEMA_BOUND = 32,    /* has a default that needs other objects of the model */
    SCHEMA_ATTACHED = 64, /* a child or partition on both sides */
    SCHEMA_PARK = 128     /* from: a column that is text while its type is made anew */
};

/* a needs b. */
typedef struct schema_edge {
    uint32_t a, b;
    bool is_default; /* through a's default only */
} schema_edge;

/* A transaction that is known to have been committed: its number, with the epoch before it, and when that was. */
typedef struct schema_commit {
    int64_t xid, at;
} schema_commit;

typedef struct schema_filter {
    const lb_texts *schemas;         /* only these; empty: all */
    const lb_texts *exclude_schemas; /* not these */
    const lb_texts *kinds;           /* only differences of these kinds; empty: all */
    const lb_texts *renamed;         /* "before=after": people know these to be the same; NULL: nothing is known */
    bool one_branch;                 /* both sides are read from one branch, in one run: what has one OID is the same */
    bool privileges;                 /* owners and grants too */
    bool online;                     /* so that nobody waits for long: outside of a transaction */
} schema_filter;

typedef struct schema_model {
    lb_ctx *ctx;
    const schema_filter *filter;
    schema_object *objects;
    schema_edge *edges;
    uint32_t count, capacity, edge_count, edge_capacity;
    uint32_t *by_key, *by_address, buckets; /* hashes of objects; 0 is empty, else the index + 1 */
    uint32_t *parts, *part_from;            /* objects by what they are parts of */
    uint32_t *users, *user_from;            /* edges by what they need */
    uint32_t *order;                        /* objects by position */
    const char *database;                   /* that it was read from */
    const char *system;                     /* identifier of its cluster; NULL: not known */
    int64_t database_oid;                   /* with the system: the same on branches of one database alone */
    schema_commit *commits;                 /* what both sides have of these is from before they parted */
    uint32_t commit_count, commit_capacity;
} schema_model;

/* One row of a catalogue query, or of a snapshot. */
typedef struct schema_row {
    const char *kind, *schema, *address, *name;
    schema_key key, up_key;
    const lb_value *attrs; /* name, value, name, value ... */
    uint32_t attr_count;   /* of the texts */
} schema_row;

typedef struct schema_change {
    uint32_t from, to; /* objects; SCHEMA_NONE: not there */
    const char *attr;  /* NULL: the whole object */
    const char *before, *after;
} schema_change;

enum schema_phase { SCHEMA_PREPARE, SCHEMA_CLEAR, SCHEMA_BUILD, SCHEMA_TIDY };

typedef struct schema_step {
    const lb_statement *statement;
    const schema_object *object; /* whose attributes it takes; NULL: it takes none */
    const schema_model *model;   /* of the object */
    const char *attr;            /* as_printed: which attribute is the statement */
    const char *lock, *risk;     /* NULL: none that is worth a word */
    const lb_sql *sql;
    enum schema_phase phase;
} schema_step;

typedef struct schema_note {
    const char *object, *text;
} schema_note;

/* Known to be the same by another name. */
typedef struct schema_rename {
    schema_object was; /* as it is now, with the attribute new_name alone */
    uint32_t from, to; /* objects */
    bool is_inherited; /* the parent's column takes it along */
} schema_rename;

/* Where a schema is read. */
typedef struct schema_place {
    const char *database, *system;
    int64_t database_oid;
    bool has_ledger; /* of migrations, and it may be read */
} schema_place;

typedef struct schema_diff {
    lb_ctx *ctx;
    schema_model *from, *to;
    schema_change *changes;
    schema_step *steps;
    schema_note *notes; /* what is not carried by the SQL, and why */
    schema_rename *renames;
    uint32_t change_count, change_capacity, step_count, step_capacity, note_count, note_capacity;
    uint32_t rename_count, rename_capacity;
} schema_diff;

/* ---- schema_model.c ---- */
schema_model *schema_model_new(lb_ctx *ctx, const schema_filter *filter);
LB_MUST_CHECK int schema_model_add(schema_model *m, const schema_row *row, lb_error *err);
LB_MUST_CHECK int schema_model_edge(schema_model *m, schema_key a, schema_key b, bool is_default, lb_error *err);
/* When all objects are in, before the first edge; and when all edges are. */
LB_MUST_CHECK int schema_model_commit(schema_model *m, schema_commit commit, lb_error *err);
LB_MUST_CHECK int schema_model_index(schema_model *m, lb_error *err);
LB_MUST_CHECK int schema_model_finish(schema_model *m, lb_error *err);
/* Of the same edges, with objects of its own at the same places; and when their addresses have changed. */
LB_MUST_CHECK int schema_model_copy(const schema_model *m, schema_model **ret_copy, lb_error *err);
LB_MUST_CHECK int schema_index_addresses(schema_model *m, lb_error *err);
uint32_t schema_find_key(const schema_model *m, schema_key key);
uint32_t schema_hash_address(const struct schema_kind *kind, const char *address);
uint32_t schema_find_address(const schema_model *m, const struct schema_kind *kind, const char *address);
const char *schema_get(const schema_object *o, const char *attr); /* NULL: it has none */
const char *schema_identity(const schema_object *o);              /* the address without the word before it */
/* Room for one more item of a growing array. */
LB_MUST_CHECK int schema_grow(lb_ctx *ctx, void **items, uint32_t count, uint32_t *capacity, size_t size,
                              lb_error *err);

/* ---- schema_read.c, schema_file.c ---- */
LB_MUST_CHECK int schema_read(lb_ctx *ctx, const schema_filter *filter, schema_model **ret_model, lb_error *err);
/* The same rows, each handed on instead. */
typedef int (*schema_row_fn)(void *state, const schema_row *row, lb_error *err);
typedef int (*schema_edge_fn)(void *state, schema_key a, schema_key b, const char *via, lb_error *err);
LB_MUST_CHECK int schema_each(lb_ctx *ctx, schema_row_fn on_row, schema_edge_fn on_edge, void *state, lb_error *err);
typedef int (*schema_commit_fn)(void *state, schema_commit commit, lb_error *err);
LB_MUST_CHECK int schema_each_commit(lb_ctx *ctx, const schema_place *place, schema_commit_fn on_commit, void *state,
                                     lb_error *err);
LB_MUST_CHECK int schema_find_place(lb_ctx *ctx, schema_place *ret_place, lb_error *err);
/* From the document of read_schema, or a run's document around it. */
LB_MUST_CHECK int schema_load(lb_ctx *ctx, const char *json, const schema_filter *filter, schema_model **ret_model,
                              lb_error *err);

/* ---- schema_compare.c, schema_proof.c, schema_rename.c, schema_renamed.c, schema_order.c, schema_steps.c ---- */
/* Finds what differs, what has to be made anew for that, and the statements in their order. */
LB_MUST_CHECK int schema_compare(schema_model *from, schema_model *to, schema_diff **ret_diff, lb_error *err);
LB_MUST_CHECK int schema_order(schema_model *m, bool with_defaults, lb_error *err);
LB_MUST_CHECK int schema_plan(schema_diff *d, lb_error *err);
LB_MUST_CHECK int schema_note_add(schema_diff *d, const char *object, const char *text, lb_error *err);
bool schema_is_kind_wanted(const schema_diff *d, const schema_object *o);
LB_MUST_CHECK int schema_step_add(schema_diff *d, const schema_step *step, lb_error *err);
/* With what it is a part of, or with the partition that it is an index of. */
bool schema_goes_along(const schema_model *m, const schema_object *o);
/* schema_names.c: what indexes of partitions are called, of those that stay, and behind all else of those that come. */
LB_MUST_CHECK int schema_name_indexes(schema_diff *d, lb_error *err);
LB_MUST_CHECK int schema_name_new_indexes(schema_diff *d, lb_error *err);
/* Finds what is known to have another name: by proof, or as people have said. */
LB_MUST_CHECK int schema_find_renames(schema_diff *d, lb_error *err);
/* Sets a copy of `from` that has the new names. */
LB_MUST_CHECK int schema_take_renames(schema_diff *d, lb_error *err);
LB_MUST_CHECK int schema_ask_for_names(schema_diff *d, lb_error *err);
bool schema_is_implied(const schema_model *m, const schema_object *o); /* goes when what it is a part of goes */

/* ---- schema_sql.c, schema_say.c ---- */
LB_MUST_CHECK int schema_step_compose(lb_ctx *ctx, schema_step *step, lb_error *err);
/* What a person reads, and the script; both end with a line end, or are empty when nothing differs. */
LB_MUST_CHECK int schema_say(const schema_diff *d, const char *from, const char *to, const char **ret_text,
                             lb_error *err);
LB_MUST_CHECK int schema_script(const schema_diff *d, const char *from, const char *to, const char **ret_text,
                                lb_error *err);

#endif
