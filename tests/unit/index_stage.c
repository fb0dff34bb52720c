#include "index_stage.h"

#include "unit/suite.h"

#define BLOCKS 4096

static void *blocks[BLOCKS];
static size_t block_count;

static void *give(lb_ctx *ctx, size_t bytes)
{
    (void)ctx;
    void *block = block_count < BLOCKS ? calloc(1, bytes) : NULL;
    if (block)
        blocks[block_count++] = block;
    return block;
}

void index_stage_done(void)
{
    while (block_count)
        free(blocks[--block_count]);
}

static const lb_host host = {.size = sizeof host, .alloc = give};
lb_ctx index_stage_run = {.host = &host};

index_table index_stage_table = {.r = {.table_id = 1, .schema = "public", .name = "t", .kind = "r", .rows = 1000}};

index_info index_stage_btree(const char *keys, int key_count)
{
    index_info x = {.table = &index_stage_table,
                    .r = {.method = "btree",
                          .settings = "",
                          .key_count = key_count,
                          .key_texts_is_null = true,
                          .is_immediate = true,
                          .is_valid = true,
                          .is_ready = true,
                          .is_live = true}};
    CU_ASSERT_TRUE(index_vector_parse(keys, &x.keys));
    CU_ASSERT_TRUE(index_vector_parse("1978 1978 1978", &x.opclasses));
    CU_ASSERT_TRUE(index_vector_parse("0 0 0", &x.collations));
    CU_ASSERT_TRUE(index_vector_parse("0 0 0", &x.options));
    return x;
}
