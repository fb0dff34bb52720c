/* index_figures.h: what a recommendation costs and gains in a few figures, for the person who decides on it. */
#ifndef INDEX_FIGURES_H
#define INDEX_FIGURES_H

#include "index_work.h"

/* Named values that end with LB_END; what is not known is null. NULL: out of memory. */
const lb_value *index_figures(const index_work *work, const index_finding *finding);

#endif
