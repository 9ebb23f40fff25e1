// SPDX-License-Identifier: GPL-2.0
#include "devices/supersession.h"

void supersession__free(struct supersession *s)
{
	arrivals__free(&s->arrivals);
	linkage__free(&s->linkage);
}
