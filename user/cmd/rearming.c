// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "rearming.h"
#include "say.h"

/* Fewer deaths stop nothing, however few sockets there are. */
#define DEATHS_MIN 2

/* Is it more than can be borne? */
static bool too_many_died(const struct rearming *how, const struct rearmer *r, uint64_t before)
{
	uint64_t deaths = rearmer__deaths() - before;

	return deaths >= DEATHS_MIN && deaths >= how->stop_at_deaths * rearmer__done(r).sockets;
}

/* All slices of the sockets, one a second. Returns 0 or -errno. */
static int arm(const struct rearming *how, struct rearmer *r, uint64_t deaths_before)
{
	unsigned int slices = how->spread_ns / 1000000000, slice;
	int err = 0;

	for (slice = 0; !err && slice < slices; slice++) {
		err = rearmer__pass(r, slice, slices);
		if (too_many_died(how, r, deaths_before) || !how->goes_on(how->context))
			break;
		sleep(1);
	}
	return err;
}

bool rearming__do(const struct rearming *how, struct rearmer *r, const int32_t values[TUNABLES])
{
	uint64_t settle_s =
		(values[0] > values[1] ? values[0] : values[1]) + values[1] * values[2] + 2;
	uint64_t deaths = rearmer__deaths();
	int err = arm(how, r, deaths);
	struct rearmed done = rearmer__done(r);

	say("%llu sockets were armed anew; %llu were asking already\n",
	    (unsigned long long)done.sockets, (unsigned long long)done.asking);
	fflush(stdout);
	if (done.refused)
		log_warning("%llu sockets refused", (unsigned long long)done.refused);
	if (err) {
		log_error("--rearm: %s", strerror(-err));
		return false;
	}
	for (; settle_s && !too_many_died(how, r, deaths) && how->goes_on(how->context); settle_s--)
		sleep(1);
	if (!how->goes_on(how->context)) {
		log_error("--rearm was interrupted: the values were taken back meanwhile, by 'halfopen "
			  "revert' or the end of a trial");
		return false;
	}
	if (!too_many_died(how, r, deaths))
		return true;
	log_error("%llu connections died since, of %llu that were armed anew: that is more than "
		  "%g %%", (unsigned long long)(rearmer__deaths() - deaths),
		  (unsigned long long)done.sockets, how->stop_at_deaths * 100);
	return false;
}
