/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Has a device come back on another connection while its old one is still open? Then the old one
 * is half-open, often long before any timer says so. But a client may well hold two connections,
 * and a carrier puts many devices behind one address: so there is first a suspicion, with a
 * confidence, and only asks that stayed unanswered, or an operator who knows the devices, make
 * it a finding.
 */
#ifndef HALFOPEN_CORE_DEVICES_SUPERSESSION_H
#define HALFOPEN_CORE_DEVICES_SUPERSESSION_H

#include "devices/arrivals.h"
#include "devices/linkage.h"

/* Enough for an outcome. */
#define SUPERSESSION_SURE 0.99
/* A lower confidence is not reported. */
#define SUPERSESSION_WORTH 0.3

struct supersession {
	struct arrivals arrivals;
	/* Is whoever came from this port of the same address known to be another device? */
	bool (*is_another)(void *context, const struct arrival *by, uint16_t old_port);
	void *context;
	uint32_t judged; /* number of the youngest arrival looked at */
	struct linkage linkage;
};

void supersession__free(struct supersession *s);

#endif
