/* What types of the server are in the lakehouse. */
#include "unit/suite.h"

#include <lbops/lake_type.h>

static void is(const char *type, const char *wanted)
{
    char buffer[LB_LAKE_TYPE_BYTES];
    const char *found = lb_lake_type(type, buffer);
    CU_ASSERT_STRING_EQUAL(found, wanted);
}

static void what_nothing_holds_is_text(void)
{
    is("bigint", "bigint");
    is("integer", "int");
    is("timestamp(3) without time zone", "timestamp");
    is("timestamp with time zone", "timestamp");
    is("bytea", "binary");
    is("numeric(12,2)", "decimal(12,2)");
    is("numeric(38,38)", "decimal(38,38)");
    is("numeric(39,0)", "string");
    is("numeric(5,-2)", "string");
    is("numeric(3,5)", "string");
    is("numeric", "string");
    is("integer[]", "string");
    is("timestamp with time zone[]", "string");
    is("my domain", "string");
    CU_ASSERT_TRUE(lb_lake_is_array("text[]"));
    CU_ASSERT_FALSE(lb_lake_is_array("[]"));
}

SUITE(lake_type, TEST(what_nothing_holds_is_text))
