/* SPDX-License-Identifier: GPL-2.0 */
/* One socket's keepalive options, as seconds, and what follows from them alone. */
#ifndef HALFOPEN_TUNING_SETTING_H
#define HALFOPEN_TUNING_SETTING_H

#include <stdbool.h>
#include <stdint.h>

/* Single probes are lost: at least as many must stay unanswered before a peer is given up. */
#define PROBES_MIN 3

/* As the kernel takes them (net/ipv4/tcp.h: MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT).
 */
#define SETTING_SECONDS_MAX 32767.0
#define SETTING_PROBES_MAX 127

struct setting {
	double idle_s, interval_s;
	uint32_t probes;
	double user_timeout_s;	/* 0: none */
	/* Of unacknowledged data; 0: not known. */
	double rto_max_s;
	uint32_t retries2;
};

/* The silence from the first unanswered probe to the end. */
double setting__silence_s(const struct setting *s);

/* The same values of the three sysctls? */
bool setting__is(const struct setting *a, const struct setting *b);

/* How often an idle live peer is asked. */
double setting__period_s(const struct setting *s);

#endif
