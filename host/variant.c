#include "variant.h"

#include <limits.h>

static unsigned upper_end(const lb_statement_variant *variant)
{
    return variant->to ? variant->to : UINT_MAX;
}

const lb_statement_variant *variant_find(const lb_statement *statement, int major, lb_error *err)
{
    const lb_statement_variant *found = NULL;
    unsigned low = UINT_MAX, high = 0;
    for (uint32_t i = 0; i < statement->variant_count; i++) {
        const lb_statement_variant *v = &statement->variants[i];
        bool fits = major > 0 ? (unsigned)major >= v->from && (unsigned)major <= upper_end(v)
                              : !found || upper_end(v) > upper_end(found);
        if (fits)
            found = v;
        low = v->from < low ? v->from : low;
        high = upper_end(v) > high ? upper_end(v) : high;
    }
    if (!found)
        (void)lb_fail(err, LB_ERR_UNSUPPORTED, "the statement's file names the versions that it serves",
                      "%s serves servers %u to %u, and this one is %d", statement->name, low, high, major);
    return found;
}
