// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "tuning/documented_timers.h"

#define ON_PATH(n, s, w) { .name = (n), .idle_s = (s), .what = (w) }
#define ENDS_TCP(n, s, w) { .name = (n), .idle_s = (s), .what = (w), .ends_tcp = true }
#define PLATFORM(n, s, w) { .name = (n), .idle_s = (s), .what = (w), .is_platform = true }

static const struct documented_timer timers[] = {
	ON_PATH("1nce", 350, "1NCE, IoT SIM cards"),
	ON_PATH("aws-nat-gateway", 350, "AWS NAT gateway, fixed; what comes later gets an RST"),
	ON_PATH("aws-network-firewall", 350, "AWS Network Firewall, by default; 60 to 6000 s"),
	ON_PATH("aws-nlb", 350,
		"AWS Network Load Balancer, by default; TCP 60 to 6000 s, TLS fixed"),
	ON_PATH("azure-lb", 240,
		"Azure Load Balancer, by default; to 100 min; quiet unless TCP reset is on"),
	ON_PATH("cilium", 21600, "Cilium's connection tracking of TCP, by default"),
	ENDS_TCP("cloudflare-gateway", 270, "Cloudflare Gateway"),
	ON_PATH("fortigate", 3600, "FortiGate, session-ttl by default"),
	ON_PATH("gcp", 600, "Google Cloud VPC, fixed"),
	ON_PATH("linux-conntrack", 432000, "nf_conntrack_tcp_timeout_established, by default"),
	ON_PATH("linux-flowtable", 150, "nft flowtable on older kernels: 30 s, then 120 s"),
	ON_PATH("palo-alto", 3600, "PAN-OS, TCP session timeout by default"),
	ON_PATH("rfc5382", 7440, "the least that RFC 5382 (REQ-5) allows a NAT"),
	PLATFORM("thingsboard", 600, "ThingsBoard's inactivity timeout, by default"),
	PLATFORM("traccar", 1800, "Traccar's server.timeout, by default"),
	PLATFORM("traccar-status", 600, "Traccar's status.timeout: shown as offline, by default"),
	ON_PATH("twilio-supersim", 21600, "Twilio Super SIM; visited networks may be shorter"),
};

/* The interval may end this share of the timeout early. It does not begin late: a silence that was
 * survived is longer than no timer. */
#define GRANULE 0.02
/* How far from the estimate a timer may lie to be the one: a wide interval holds many. */
#define NEAR 1.1

#define TIMERS (sizeof(timers) / sizeof(timers[0]))

const struct documented_timer *documented_timer__at(size_t i)
{
	return i < TIMERS ? &timers[i] : NULL;
}

const struct documented_timer *documented_timer__named(const char *name)
{
	size_t i;

	for (i = 0; i < TIMERS; i++)
		if (!strcmp(timers[i].name, name))
			return &timers[i];
	return NULL;
}

const struct documented_timer *documented_timer__agreeing(const struct idle_timeout *t, size_t *i)
{
	const struct documented_timer *d;

	while ((d = documented_timer__at((*i)++)))
		if (!d->is_platform && d->idle_s >= t->low_s &&
		    d->idle_s <= t->high_s * (1 + GRANULE) &&
		    d->idle_s <= t->estimate_s * NEAR && d->idle_s >= t->estimate_s / NEAR)
			return d;
	return NULL;
}
