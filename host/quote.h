/* quote.h: how names, texts and types are written in SQL. Only the composer writes SQL; this is its pen. */
#ifndef LBOPS_HOST_QUOTE_H
#define LBOPS_HOST_QUOTE_H

#include "buf.h"

#define QUOTE_IDENT_MAX 63 /* NAMEDATALEN - 1: the server cuts longer names silently, and then means another object */
#define QUOTE_LAKE_MAX  255
#define QUOTE_TYPE_MAX  255

/* An identifier: plain where every server version reads it back as it is, in double quotes elsewhere. Empty, longer
 * than QUOTE_IDENT_MAX bytes or not UTF-8: LB_ERR_INVALID. */
LB_MUST_CHECK int quote_ident(buf *b, const char *identifier, lb_error *err);

/* In quotes whatever it is, for engines with other keywords; names there are longer. */
LB_MUST_CHECK int quote_always(buf *b, const char *identifier, lb_error *err);

/* A string constant that reads back byte for byte, whatever it holds. standard_conforming_strings is on. */
void quote_literal(buf *b, const char *text);

/* Is it the name of a type and nothing else, as in numeric(10,2)[] or public."My Type"? Whether that type exists only
 * the server knows. */
LB_MUST_CHECK int quote_check_type(const char *type_name, lb_error *err);

/* Words that the grammar of some supported version does not take as any identifier; all in lower case. */
bool quote_is_keyword(const char *word);

#endif
