/* SPDX-License-Identifier: GPL-2.0 */
/* Proposals beyond keepalive sysctls: a heartbeat of the device, and a time-out for unacknowledged
 * data. */
#ifndef HALFOPEN_TUNING_REMEDIES_H
#define HALFOPEN_TUNING_REMEDIES_H

#include "tuning/evidence.h"

struct device_heartbeat {
	bool proposed;
	double period_s, timeout_s;
	double bytes_per_day;		/* a byte, its answer, and the acknowledgements */
	double probe_bytes_per_day;	/* the same from the server: a probe and its answer */
	bool reports_known;
	double report_bytes_per_day;	/* the data that the devices send anyway, acknowledged */
};

/* Against data that dead peers never acknowledge, to which keepalive's settings do not apply. All
 * 0: no need was seen. */
struct data_timeout {
	double user_timeout_s; /* TCP_USER_TIMEOUT; 0: none that leaves keepalive its probes */
	struct detection with_user_timeout;
	uint32_t retries;		/* tcp_retries2; 0: none */
	struct detection with_retries;
};

/* Its price by this tariff, and that of the alternatives; not proposed where the path's timeout is
 * not known. `keepalive`: whose probes it would replace; NULL: of probes as frequent. */
struct device_heartbeat remedies__heartbeat(const struct evidence *e,
					    const struct setting *keepalive,
					    const struct tariff *tariff);

/*
 * `within_s`: how soon such peers are to be noticed, 0 without a goal. `keepalive`: the setting
 * that will be in force, whose probes a user timeout must not cut short; NULL: not known. False
 * when memory is short.
 */
bool remedies__data_timeout(const struct evidence *e, const struct setting *keepalive,
			    double within_s, struct data_timeout *d);

#endif
