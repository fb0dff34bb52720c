/* schema_kinds.h: the kinds of objects and, as data, which statement carries which difference. */
#ifndef LBOPS_SCHEMA_KINDS_H
#define LBOPS_SCHEMA_KINDS_H

#include "schema.h"

#define SCHEMA_OTHER_ORDER                                                                                             \
    "its columns stand in another order there, and no statement moves one: name them in INSERT and SELECT"
#define SCHEMA_INVALID_THERE "is invalid in the schema to arrive at: build it anew there"
#define SCHEMA_NAMED_LATER                                                                                             \
    "the server names it when it is made: compare once more behind the SQL, which gives it its own name then"

enum kind_trait {
    KIND_EARLY = 1,     /* goes before anything is made, as nothing but order needs it */
    KIND_OVERWRITE = 2, /* made again without being dropped */
    KIND_PRIVILEGE = 4,
    KIND_REMARK = 8,  /* no object: more of another one */
    KIND_LISTED = 16, /* told, not carried */
    KIND_TYPE = 32,   /* moves aside where columns use it */
    KIND_DATA = 64,   /* holds rows that go with it */
    KIND_FIRST = 128, /* goes before its whole does, by a statement of its own */
    KIND_STAYS = 256  /* does not go with its whole: the server refuses that */
};

/* The order of the table is the order in which things are made, as far as their needs leave it open. */
typedef struct schema_kind {
    const char *name; /* "foreign_key" */
    const char *says; /* "foreign key" */
    unsigned traits;
    const lb_statement *make; /* NULL: the server printed one (attribute create or definition) */
    const char *make_lock, *make_risk;
    const char *drop_lock, *drop_risk;
} schema_kind;

/* What carries a change of one attribute. */
typedef struct schema_rule {
    const char *kinds; /* " table column " or NULL: all */
    const char *attr;
    const lb_statement *set, *unset; /* NULL: what cannot be carried so is made anew */
    unsigned when;
    const char *lock, *risk;
} schema_rule;

enum rule_when {
    RULE_AFTER_MAKE = 1, /* the statement that makes the object does not hold it */
    RULE_SET_ONLY = 2,   /* another rule unsets */
    RULE_UNSET_ONLY = 4
};

extern const schema_kind schema_kinds[];
extern const schema_rule schema_rules[];
extern const size_t schema_rule_count;

const schema_kind *schema_kind_find(const char *name);
bool schema_is_kind(const schema_object *o, const char *name);
bool schema_rule_is_for(const schema_rule *rule, const schema_kind *kind);
bool schema_is_compared(const char *attr);
/* The rule that carries the change of that attribute, or NULL. */
const schema_rule *schema_rule_find(const schema_kind *kind, const schema_change *change);
const lb_statement *schema_rule_statement(const schema_rule *rule, bool is_set);

#endif
