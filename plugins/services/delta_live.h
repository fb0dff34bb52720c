/* delta_live.h: tables of Postgres servers among those of the lakehouse at home. A catalog of the setting `catalogs` is
 * a database, its schemas and tables are there under their own names, and are read when they are asked for: what one
 * question sees of a database is one moment of it. */
#ifndef LBOPS_SERVICES_DELTA_LIVE_H
#define LBOPS_SERVICES_DELTA_LIVE_H

#include "delta_lake.h"

typedef struct delta_live delta_live;

/* What one question needs. */
delta_live *delta_live_new(const delta_local *local, int64_t deadline);
delta_live *delta_live_free(delta_live *live);

/* NAME=CONNINFO each; connects to nothing. */
LB_MUST_CHECK int delta_live_check(const lb_texts *catalogs, lb_error *err);
bool delta_live_has(const delta_local *local, const char *catalog);

/* Connects where that was not done, and looks the table up. *ret_fields are the question's. */
LB_MUST_CHECK int delta_live_open(delta_live *live, const lb_lake_name *name, size_t *ret_index,
                                  const lake_fields **ret_fields, lb_error *err);

/* Makes lbops_live(INDEX) known to the engine: all columns as text, c0 and so on. */
LB_MUST_CHECK int delta_live_register(delta_live *live, delta_engine *engine, lb_error *err);

#endif
