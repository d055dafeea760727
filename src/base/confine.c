/* confine.c - see confine.h. Set by the control thread before there are others. */
#include "src/base/confine.h"

#include <stddef.h>

static confine_begin *confine_how;

void confine_set(confine_begin *begin)
{
	confine_how = begin;
}

void confine_self(enum confine_kind kind)
{
	if (confine_how) {
		confine_how(kind);
	}
}
