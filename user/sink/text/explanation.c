// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "tcp/retransmission.h"
#include "text/explanation.h"

static void add_seconds(struct words *w, double s)
{
	words__add_duration(w, s);
	if (s >= 60)
		words__add(w, " (%.0f s)", s);
}

/* ---- the sides ---- */

static void describe_side(struct words *w, const char *side, const char *other,
			  const struct party *p)
{
	double within = party__notices_within_s(p);

	words__add(w, "%s: ", side);
	switch (p->kind) {
	case PARTY_STACK:
		words__add(w, "%s keepalive: asks after ", p->name);
		words__add_duration(w, party__speaks_every_s(p));
		words__add(w, " of silence, then every ");
		words__add_duration(w, p->interval_s);
		if (p->user_timeout_s) {
			words__add(w, ", gives up by its user timeout of ");
			words__add_duration(w, p->user_timeout_s);
		} else {
			words__add(w, ", gives up after %u unanswered", p->probes);
		}
		break;
	case PARTY_TOTAL:
		if (!p->enabled) {
			words__add(w, "%s keepalive: SO_KEEPALIVE is off", p->name);
			break;
		}
		words__add(w, "%s keepalive: %u probes within ", p->name, p->probes);
		words__add_duration(w, within);
		words__add(w, " in all");
		break;
	case PARTY_PING:
		words__add(w, "%s PING after ", p->name);
		words__add_duration(w, p->ping_s);
		words__add(w, " without traffic, reply awaited for ");
		words__add_duration(w, p->timeout_s);
		break;
	case PARTY_NAT:
	case PARTY_PLATFORM:
		break;
	}
	words__add(w, "\n  notices that the %s is gone ", other);
	if (!within) {
		words__add(w, "never, while it has nothing to send\n");
		return;
	}
	words__add(w, "within ");
	add_seconds(w, within);
	words__add(w, " of its last sign of life\n");
	if (party__dies_of_one_loss(p)) {
		words__add(w, "  a single lost probe ends it, though the %s is there: ", other);
		if (p->user_timeout_s)
			words__add(w, "the user timeout leaves no time for a second one before "
				   "%.0f s\n", party__speaks_every_s(p) + p->interval_s);
		else
			words__add(w, "no second one is sent\n");
	}
	if (p->retransmits_s) {
		words__add(w, "  unacknowledged data end it after ");
		add_seconds(w, p->retransmits_s);
		words__add(w, "\n");
	}
}

/* ---- the path ---- */

static void add_unnoticed(struct words *w, const char *side, double within_s, double forgets_s)
{
	words__add(w, "  the %s believes in the connection for up to ", side);
	add_seconds(w, within_s - forgets_s);
	words__add(w, " longer");
}

/* Does the next probe come in time where one is lost? */
static void warn_of_losses(struct words *w, const struct party *speaks, double forgets_s)
{
	unsigned int lost;

	if (!party__may_lose(speaks, forgets_s, &lost))
		return;
	if (!lost)
		words__add(w, "  a single lost probe and it is forgotten: the next comes %.0f s "
			   "later\n", speaks->interval_s);
	else
		words__add(w, "  as long as no more than %u probe%s in a row %s lost\n", lost,
			   lost == 1 ? "" : "s", lost == 1 ? "is" : "are");
}

static void describe_nat(struct words *w, const struct party *all, unsigned int count,
			 const struct party *nat)
{
	const struct party *speaks = parties__first_speaking(all, count);
	const struct party *server = &all[0];
	const struct party *device = parties__first_noticing(all + 1, count - 1);
	double server_s = party__notices_within_s(server);

	if (nat->documented)
		words__add(w, "between: %s (%s), which forgets after ", nat->name,
			   nat->documented->what);
	else
		words__add(w, "between: a NAT that forgets after ");
	add_seconds(w, nat->forgets_s);
	words__add(w, " without traffic\n");
	if (nat->documented && nat->documented->ends_tcp) {
		words__add(w, "  it answers probes itself: keepalive holds nothing open, and shows "
			   "nothing of what lies beyond\n");
		return;
	}
	if (speaks && party__speaks_every_s(speaks) < nat->forgets_s) {
		words__add(w, "  kept open by the %s %s, which makes something pass every ",
			   speaks->name, speaks->kind == PARTY_PING ? "PING" : "keepalive");
		add_seconds(w, party__speaks_every_s(speaks));
		words__add(w, "\n");
		warn_of_losses(w, speaks, nat->forgets_s);
	} else {
		words__add(w, "  nobody keeps it open: a quiet connection is half-open from then "
			   "on\n");
		if (server_s > nat->forgets_s) {
			add_unnoticed(w, "server", server_s, nat->forgets_s);
			words__add(w, "; what it sends in that time is lost\n");
		} else if (!server_s) {
			words__add(w, "  the server believes in it for ever\n");
		}
		if (device && party__notices_within_s(device) > nat->forgets_s) {
			add_unnoticed(w, "device", party__notices_within_s(device), nat->forgets_s);
			words__add(w, " (%s)\n", device->name);
		}
	}
	words__add(w, "  if it closes all the same and quietly: the server notices ");
	if (server_s) {
		words__add(w, "within ");
		add_seconds(w, server_s);
	} else {
		words__add(w, "never, while it has nothing to send");
	}
	if (device) {
		words__add(w, ", the device within ");
		add_seconds(w, party__notices_within_s(device));
	}
	words__add(w, "\n");
}

/* A platform that expects data is not satisfied by probes. */
static void describe_platform(struct words *w, const struct party *all, unsigned int count,
			      const struct party *platform)
{
	const struct party *ping = NULL;
	unsigned int i;

	for (i = 1; i < count; i++)
		if (all[i].kind == PARTY_PING)
			ping = &all[i];
	words__add(w, "platform: %s", platform->name);
	if (platform->documented)
		words__add(w, " (%s)", platform->documented->what);
	words__add(w, " gives up a device that sent no data for ");
	add_seconds(w, platform->forgets_s);
	words__add(w, "\n  keepalive does not count: its probes and answers carry no data\n");
	if (ping && ping->ping_s < platform->forgets_s)
		words__add(w, "  the %s PING counts\n", ping->name);
}

static bool is_side(const struct party *p)
{
	return p->kind != PARTY_NAT && p->kind != PARTY_PLATFORM;
}

void explanation__text(struct words *w, const struct party *all, unsigned int count)
{
	const struct party *server = &all[0], *device;
	uint32_t retries = server->retries2 ? server->retries2 : RETRIES2_DEFAULT;
	unsigned int i, sides = 0;

	for (i = 0; i < count; i++) {
		if (!is_side(&all[i]))
			continue;
		describe_side(w, i ? "device" : "server", i ? "server" : "device", &all[i]);
		sides += i > 0;
	}
	device = parties__first_noticing(all + 1, count - 1);
	if (sides > 1 && device)
		words__add(w, "device: its %s %s notices first\n", device->name,
			   device->kind == PARTY_PING ? "PING" : "keepalive");

	for (i = 0; i < count; i++)
		if (all[i].kind == PARTY_NAT)
			describe_nat(w, all, count, &all[i]);
	for (i = 0; i < count; i++)
		if (all[i].kind == PARTY_PLATFORM)
			describe_platform(w, all, count, &all[i]);
	if (server->kind == PARTY_STACK && !strcmp(server->name, "linux")) {
		words__add(w, "data sent into a dead connection suspend keepalive: ");
		if (server->user_timeout_s) {
			words__add(w, "the user timeout ends them after ");
			add_seconds(w, server->user_timeout_s);
		} else {
			words__add(w, "retransmission gives up after ");
			add_seconds(w, retransmission__model_s(retries, server->rto_max_s));
			words__add(w, " or somewhat more (tcp_retries2 = %u", retries);
			if (server->rto_max_s)
				words__add(w, ", an RTO of at most %g s", server->rto_max_s);
			words__add(w, "); TCP_USER_TIMEOUT shortens that");
		}
		words__add(w, "\n");
	}
}
