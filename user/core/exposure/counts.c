// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "exposure/counts.h"

/* The namespace that forgets connections soonest stands for all. */
static void take_soonest(struct exposure_counts *c, uint32_t by, uint32_t after_s)
{
	if (!by || (c->forgotten_by && c->forgotten_after_s <= after_s))
		return;
	c->forgotten_by = by;
	c->forgotten_after_s = after_s;
}

static void add_ended(struct exposure_counts *c, uint32_t ended, uint64_t longest_ns)
{
	c->ended += ended;
	if (longest_ns > c->ended_longest_ns)
		c->ended_longest_ns = longest_ns;
}

void exposure_counts__add(struct exposure_counts *c, const struct exposure *x)
{
	if (x->ended) {
		add_ended(c, 1, x->ended_ns);
		return;
	}
	c->sockets++;
	c->with_keepalive += x->with_keepalive;
	c->never_notice += x->never_notices;
	c->suspect += x->suspect;
	c->own_idle += x->own_idle;
	c->own_options += x->own_options;
	c->die_of_one_loss += x->dies_of_one_loss;
	c->with_peer_here += x->peer_is_here;
	c->long_silent += x->long_silent && !x->second_end;
	c->path_known += x->path_known;
	c->surely_dead += x->surely_dead;
	c->leaked += x->leaked;
	c->window_closed += x->window_closed;
	c->probes_off += x->probes_off;
	c->address_gone += x->address_gone;
	c->address_unknown += x->address_unknown;
	c->forgotten_unknown += x->forgotten_unknown;
	c->forgotten += x->forgotten_by != 0;
	take_soonest(c, x->forgotten_by, x->forgotten_after_s);
	c->by_state[x->state]++;
	c->with_keepalive_by_state[x->state] += x->with_keepalive;
	if (!x->second_end && x->silent_ns > c->oldest_silence_ns)
		c->oldest_silence_ns = x->silent_ns;
}

void exposure_counts__add_chance(struct exposure_counts *c, double dead, double low, double high)
{
	c->judged++;
	c->dead_sum += dead;
	c->dead_low += low;
	c->dead_low_variance += low * (1 - low);
	c->dead_high += high;
	c->dead_high_variance += high * (1 - high);
}

void exposure_counts__add_unjudged(struct exposure_counts *c, const char *why, uint32_t sockets)
{
	unsigned int i = 0;

	c->unjudged += sockets;
	while (i < EXPOSURE_REASONS && c->reasons[i].why && strcmp(c->reasons[i].why, why))
		i++;
	if (i == EXPOSURE_REASONS)
		return;
	c->reasons[i].why = why;
	c->reasons[i].sockets += sockets;
}

const char *exposure_counts__why_unjudged(const struct exposure_counts *c)
{
	const struct exposure_reason *most = &c->reasons[0];
	unsigned int i;

	for (i = 1; i < EXPOSURE_REASONS; i++)
		if (c->reasons[i].sockets > most->sockets)
			most = &c->reasons[i];
	return most->why;
}

static void merge_reasons(struct exposure_counts *c, const struct exposure_counts *more)
{
	unsigned int i;

	for (i = 0; i < EXPOSURE_REASONS && more->reasons[i].why; i++)
		exposure_counts__add_unjudged(c, more->reasons[i].why, more->reasons[i].sockets);
}

void probed_counts__merge(struct probed_counts *c, const struct probed_counts *more)
{
	c->drawn += more->drawn;
	c->drawn_quiet += more->drawn_quiet;
	c->dead += more->dead;
	c->unclear += more->unclear;
	c->others_quiet += more->others_quiet;
	c->others_heard += more->others_heard;
	c->others += more->others;
	c->outside += more->outside;
	c->in_part |= more->in_part;
}

static void add_holder(struct fault_holder *h, uint32_t pid, bool others)
{
	if (!pid)
		return;
	h->others |= others || (h->pid && h->pid != pid);
	if (!h->pid || pid < h->pid)
		h->pid = pid;
}

void exposure_counts__add_holder(struct exposure_counts *c, unsigned int faults, uint32_t pid)
{
	unsigned int i;

	for (i = 0; faults >> i; i++)
		if (faults & 1U << i)
			add_holder(&c->holders[i], pid, false);
}

void exposure_counts__merge(struct exposure_counts *c, const struct exposure_counts *more)
{
	unsigned int i;

	c->sockets += more->sockets;
	c->with_keepalive += more->with_keepalive;
	c->never_notice += more->never_notice;
	c->suspect += more->suspect;
	c->own_idle += more->own_idle;
	c->own_options += more->own_options;
	c->die_of_one_loss += more->die_of_one_loss;
	c->with_peer_here += more->with_peer_here;
	c->long_silent += more->long_silent;
	c->path_known += more->path_known;
	c->surely_dead += more->surely_dead;
	c->judged += more->judged;
	c->dead_sum += more->dead_sum;
	c->dead_low += more->dead_low;
	c->dead_low_variance += more->dead_low_variance;
	c->dead_high += more->dead_high;
	c->dead_high_variance += more->dead_high_variance;
	merge_reasons(c, more);
	c->leaked += more->leaked;
	c->window_closed += more->window_closed;
	c->probes_off += more->probes_off;
	c->address_gone += more->address_gone;
	c->address_unknown += more->address_unknown;
	c->forgotten_unknown += more->forgotten_unknown;
	c->forgotten += more->forgotten;
	add_ended(c, more->ended, more->ended_longest_ns);
	probed_counts__merge(&c->probed, &more->probed);
	take_soonest(c, more->forgotten_by, more->forgotten_after_s);
	for (i = 0; i < SOCKET_FAULTS; i++)
		add_holder(&c->holders[i], more->holders[i].pid, more->holders[i].others);
	for (i = 0; i < EXPOSURE_STATES; i++) {
		c->by_state[i] += more->by_state[i];
		c->with_keepalive_by_state[i] += more->with_keepalive_by_state[i];
	}
	if (more->oldest_silence_ns > c->oldest_silence_ns)
		c->oldest_silence_ns = more->oldest_silence_ns;
}
