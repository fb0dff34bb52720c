/* What the server says of a statement, told from what a migration makes it say. */
#include "migration_notices.h"
#include "unit/suite.h"

static void expect(const char *routine, const char *text, const char *kind, const char *object)
{
    migration_notice notice;
    CU_ASSERT_TRUE_FATAL(migration_read_notice("DEBUG", routine, text, &notice));
    ASSERT_TEXT(notice.kind, kind);
    ASSERT_TEXT(notice.object, object);
}

static void the_servers_words_are_classed(void)
{
    expect("ATRewriteTable", "rewriting table \"orders\"", "rewrite", "orders");
    expect("ATRewriteTable", "verifying table \"Or ders\"", "scan", "Or ders");
    expect("validateForeignKeyConstraint", "validating foreign key constraint \"fk\"", "validation", "fk");
    expect("index_build", "building index \"a_pkey\" on table \"a\" serially", "index build", "a_pkey");
    expect("index_build", "building index \"i\" on table \"a\" with request for 2 parallel workers", "index build",
           "i");
    expect("NotNullImpliedByRelConstraints",
           "existing constraints on column \"orders.note\" are sufficient to prove that it does not contain nulls",
           "proven", "orders.note");
    expect("QueuePartitionConstraintValidation",
           "partition constraint for table \"p\" is implied by existing constraints", "proven", "p");
    expect("check_default_partition_contents",
           "updated partition constraint for default partition \"d\" is implied by existing constraints", "proven",
           "d");
}

static void what_a_migration_says_itself_is_not_believed(void)
{
    migration_notice notice;
    CU_ASSERT_FALSE(migration_read_notice("DEBUG", "exec_stmt_raise", "rewriting table \"orders\"", &notice));
    CU_ASSERT_FALSE(migration_read_notice("NOTICE", "ATRewriteTable", "rewriting table \"orders\"", &notice));
    CU_ASSERT_FALSE(migration_read_notice("DEBUG", "ATRewriteTable", "something new of table \"orders\"", &notice));
    CU_ASSERT_FALSE(migration_read_notice(
        "DEBUG", "index_build", "building index \"pg_toast_5_index\" on table \"pg_toast_5\" serially", &notice));
    CU_ASSERT_FALSE(migration_read_notice("DEBUG", NULL, "rewriting table \"orders\"", &notice));
    CU_ASSERT_FALSE(migration_read_notice(NULL, "ATRewriteTable", NULL, &notice));
}

static void a_name_without_an_end_is_cut(void)
{
    migration_notice notice;
    char text[1000] = "rewriting table \"";
    memset(text + strlen(text), 'x', sizeof text - strlen(text) - 1);
    CU_ASSERT_TRUE(migration_read_notice("DEBUG", "ATRewriteTable", text, &notice));
    CU_ASSERT_EQUAL(strlen(notice.object), sizeof notice.object - 1);
}

SUITE(migration_notices, TEST(the_servers_words_are_classed), TEST(what_a_migration_says_itself_is_not_believed),
      TEST(a_name_without_an_end_is_cut))
