/* SPDX-License-Identifier: GPL-2.0 */
/* net.ipv4.tcp_keepalive_* of the namespace of this thread, read and written; and the sysctls that
 * end unacknowledged data, read. */
#ifndef HALFOPEN_SYS_TUNABLES_H
#define HALFOPEN_SYS_TUNABLES_H

#include <stdbool.h>
#include <stdint.h>

#define TUNABLES 3	/* idle, interval, probes: in this order everywhere */

/* Limits of a setting: setsockopt(2) takes from 1 to this, MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and
 * MAX_TCP_KEEPCNT of net/tcp.h. A sysctl may hold more, or less than 0. */
#define TUNABLE_MOST { 32767, 32767, 127 }

/* "net.ipv4.tcp_keepalive_time", ... */
const char *tunable__name(unsigned int tunable);

/* Return 0 or -errno. */
int tunables__read(int32_t values[TUNABLES]);
int tunable__write(unsigned int tunable, int32_t value);
int tunables__check_writable(void);	/* changes nothing */

/* net.ipv4.tcp_retries2 and tcp_rto_max_ms; 0: this kernel has none (before 6.15). */
struct retransmission_sysctl {
	int32_t retries2, rto_max_ms;
};

/* Return 0 or -errno. */
int tunables__read_retransmission(struct retransmission_sysctl *r);

/* Some of the tunables with a value each. */
struct tunable_values {
	bool has[TUNABLES];
	int32_t value[TUNABLES];	/* 0 where it has none */
};

bool tunable_values__any(const struct tunable_values *v);
bool tunable_values__equal(const struct tunable_values *a, const struct tunable_values *b);

#endif
