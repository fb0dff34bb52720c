/* migration_catalogue.h: the relations that a statement names, as the catalogue has them. */
#ifndef LBOPS_PROVISIONING_MIGRATION_CATALOGUE_H
#define LBOPS_PROVISIONING_MIGRATION_CATALOGUE_H

#include "migration_run.h"

#include <sql/migration/relations.h>

typedef struct migration_named {
    const char **schemas, **names; /* with room for one more */
    uint32_t count;
} migration_named;

const char *migrate_text_of(migration_run *run, tree scalar); /* NULL: out of memory */

tree migrate_commands_of(const judged *s); /* of an ALTER TABLE */

LB_MUST_CHECK int migrate_named(migration_run *run, const judged *s, migration_named *ret_named, lb_error *err);

/* *ret_rows is NULL where it names none. */
LB_MUST_CHECK int migrate_ask_relations(migration_run *run, const judged *s, lb_rows **ret_rows, lb_error *err);

/* That of ADD CONSTRAINT ... USING INDEX, with the schema of its table where the statement has that; NULL: none. */
LB_MUST_CHECK int migrate_used_index(migration_run *run, const judged *s, const char **ret_name, lb_error *err);

/* "app.orders", as the statement has it; NULL: out of memory. */
const char *migrate_relation_name(migration_run *run, const migration_relations_row *row);

#endif
