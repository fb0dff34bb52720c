/* index_stage.h: what tests of the rules on indexes stand on: a run that has memory and nothing else, a table, and an
 * index of it. */
#ifndef LBOPS_TESTS_INDEX_STAGE_H
#define LBOPS_TESTS_INDEX_STAGE_H

#include "index_rules.h"

extern lb_ctx index_stage_run;
extern index_table index_stage_table;

void index_stage_done(void); /* the run's memory */
index_info index_stage_btree(const char *keys, int key_count);

#endif
