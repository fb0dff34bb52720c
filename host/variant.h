/* variant.h: which of a statement's texts serves a server. */
#ifndef LBOPS_VARIANT_H
#define LBOPS_VARIANT_H

#include <lbops/error.h>
#include <lbops/statement.h>

/* major 0: no server is asked, and the newest text is meant. NULL: err. */
const lb_statement_variant *variant_find(const lb_statement *statement, int major, lb_error *err);

#endif
