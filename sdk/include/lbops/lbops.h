/* lbops/lbops.h: everything that a tool needs. Services include their own header beside it (lbops/transport.h). */
#ifndef LBOPS_LBOPS_H
#define LBOPS_LBOPS_H

#include "beside.h"
#include "error.h"
#include "plugin.h"
#include "statement.h"
#include "tool.h"
#include "value.h"
#include "web.h"

#endif
