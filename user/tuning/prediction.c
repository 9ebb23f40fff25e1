// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>

#include "tcp/retransmission.h"
#include "tcp/timer_wheel.h"
#include "tuning/prediction.h"

/* Simulated instants of death in each group of sockets, evenly spread. */
#define DEATHS 256
#define SECONDS_A_YEAR 31557600.0
/* An RTO of most paths. */
#define RTO_USUAL_S 0.3
/* More than the kernel sends without a user timeout: what comes later is as late as these. */
#define PROBES_SIMULATED 255
/* A peer that answers less is not asked. */
#define LOSS_MAX 0.9
/* Where fewer of all gaps are as long, they do not show when our program asks; its mean does. */
#define GAPS_TELLING 0.2
/* Between two asks of a program that asks all the time: shorter than any reported gap. */
#define ALWAYS_S 5.0

double prediction__packet_bytes(double payload, bool ipv6, const struct tariff *t)
{
	double packet = (ipv6 ? 72 : 52) + payload;

	if (t && t->increment_bytes > 0)
		packet = ceil(packet / t->increment_bytes) * t->increment_bytes;
	return packet;
}

double prediction__probe_bytes(bool ipv6, const struct tariff *t)
{
	return 2 * prediction__packet_bytes(0, ipv6, t);
}

unsigned int silence__bin(double s)
{
	return fmax(0, fmin(log(fmax(s, 1)) / SILENCE_BIN, SILENCE_BINS - 1));
}

/* How long a death is unnoticed, from the peer's last sign of life. */
struct silence_of_dead {
	const struct setting *setting;
	unsigned int hz;
	unsigned int n;		/* number of this case among many alike */
};

/* From one answered probe to the next: the first arms the timer for the interval, and when that
 * fires, it is armed for the rest (tcp_keepalive_timer(), "elapsed"). What sent the first was a
 * timer for the rest, too: an idle socket keeps step with that granule of the wheel. */
static double probed_every_s(const struct setting *s, unsigned int hz)
{
	double interval = timer_wheel__fires_after_firing_s(s->interval_s, hz, s->interval_s, 0);
	double rest = s->idle_s - interval;

	if (rest <= 0)
		return interval;
	return fmax(interval, timer_wheel__late_by_granule_s(s->idle_s, hz, rest));
}

/* When, after the last sign of life, does keepalive's timer send its first probe? Anything but an
 * answered probe is only looked at when the timer fires that was armed some time before. */
static double first_probe_s(const struct silence_of_dead *d, bool answered_before)
{
	const struct setting *s = d->setting;
	double chance = timer_wheel__chance(d->n, 0.8191725133961645);
	double armed = s->idle_s * timer_wheel__chance(d->n, 0.7548776662466927);

	if (answered_before)
		return probed_every_s(s, d->hz);
	return armed + timer_wheel__fires_after_s(s->idle_s - armed, d->hz, chance);
}

/* The timer gives up when it fires with all probes out, or past the user timeout with one.
 * `*sent`: how many of them until `until_s`. */
static double declared_by_keepalive_s(const struct silence_of_dead *d, bool answered_before,
				      double until_s, double *sent)
{
	const struct setting *s = d->setting;
	double now = first_probe_s(d, answered_before), fired = s->idle_s;
	unsigned int probes;

	*sent = 0;
	for (probes = 1;; probes++) {
		*sent += now < until_s;
		now += timer_wheel__fires_after_firing_s(
			s->interval_s, d->hz, fired,
			timer_wheel__chance(d->n * SETTING_PROBES_MAX + probes,
					    0.6710436067037893));
		fired = s->interval_s;
		if (s->user_timeout_s ? now >= s->user_timeout_s : probes >= s->probes)
			return now;
		if (probes >= PROBES_SIMULATED)
			return s->user_timeout_s ? s->user_timeout_s
						 : now + (s->probes - probes) * s->interval_s;
	}
}

/* Data of our program stops keepalive, and is sent again until its own timer gives up. */
static double declared_by_data_s(const struct silence_of_dead *d, double sent_s)
{
	struct retransmission_limits p = { .retries = d->setting->retries2 ?: RETRIES2_DEFAULT,
					.user_timeout_s = d->setting->user_timeout_s,
					.rto_max_s = d->setting->rto_max_s };

	return sent_s + RTO_USUAL_S +
	       retransmission__gives_up_after_s(RTO_USUAL_S, &p, d->hz, d->n);
}

/* ---- our program's own asks ---- */

/* When it asks next, from any instant: the distribution of the rest of an interval between two.
 * Kaplan and Meier's estimate of its length, where probes and data of the peer end what is known of
 * one; the residual of a renewal process has the density S(t) / mean. */
struct next_command {
	bool never;
	double rate;			/* a second, on the average */
	double until[SILENCE_BINS + 1];	/* the integral of S, up to the beginning of each bin */
	double mean_s;
};

static double bin_begins_s(unsigned int bin)
{
	return bin ? exp(bin * SILENCE_BIN) : 0;
}

/* Which side spoke in the time without reported gaps? Where our program did, its data found the
 * dead; where the peers did, keepalive. */
static double unsaid_asks(const struct sockets_alike *g)
{
	double found = g->deaths_idle + g->deaths_asked;

	return g->unsaid_s / ALWAYS_S * (found > 0 ? g->deaths_asked / found : 1);
}

static struct next_command next_command_of(const struct sockets_alike *g)
{
	double unsaid = unsaid_asks(g), at_risk = unsaid, all, s = 1, passed;
	struct next_command c = { .never = !(g->commands + unsaid) || !g->covered_s };
	unsigned int b;

	if (c.never)
		return c;
	c.rate = (g->commands + unsaid) / g->covered_s;
	for (b = 0; b < SILENCE_BINS; b++)
		at_risk += g->told[b];
	all = at_risk;
	for (b = 0; b < SILENCE_BINS; b++) {
		double width = bin_begins_s(b + 1) - bin_begins_s(b);
		double always = b == silence__bin(ALWAYS_S) ? unsaid : 0;

		passed = at_risk > GAPS_TELLING * all ? 1 - (g->commanded[b] + always) / at_risk
						 : exp(-c.rate * width);
		c.until[b + 1] = c.until[b] + width * s * (1 + passed) / 2;
		s *= fmax(0, passed);
		at_risk -= g->told[b] + always;
	}
	c.mean_s = c.until[SILENCE_BINS];
	return c;
}

static double next_command_s(const struct next_command *c, double share)
{
	double at = share * c->mean_s;
	unsigned int b;

	if (c->never)
		return HUGE_VAL;
	for (b = 0; b < SILENCE_BINS - 1 && c->until[b + 1] < at; b++)
		;
	return bin_begins_s(b) + (bin_begins_s(b + 1) - bin_begins_s(b)) *
					 (at - c->until[b]) /
						 fmax(1e-9, c->until[b + 1] - c->until[b]);
}

/* ---- from death to detection ---- */

struct death {
	double s, probes;	/* unanswered */
};

/* The peer was heard last `dead_after_s` before, in an answer or in data of its own. */
static struct death detection(const struct silence_of_dead *d, bool answered_before,
			      double dead_after_s, const struct next_command *next)
{
	double command = next_command_s(next, timer_wheel__chance(d->n, 0.2360679774997898));
	struct death death;

	death.s = declared_by_keepalive_s(d, answered_before, command + dead_after_s,
					  &death.probes) - dead_after_s;
	if (command < death.s)
		death.s = declared_by_data_s(d, command);
	return death;
}

struct sample {
	double s, weight;
};

static int by_length(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return x->s < y->s ? -1 : x->s > y->s;
}

static double quantile(const struct sample *sorted, size_t count, double all, double share)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		sum += sorted[i].weight;
		if (sum >= all * share)
			return sorted[i].s;
	}
	return count ? sorted[count - 1].s : 0;
}

/* The length of the silence that this share of the time lies in, shorter ones first; 0: the peer is
 * heard all the time, HUGE_VAL: never. */
static double silence_at(const struct sockets_alike *g, double share)
{
	double at = share * g->covered_s - g->busy_s;
	unsigned int i;

	if (!g->covered_s)
		return HUGE_VAL;
	if (at < 0)
		return 0;
	for (i = 0; i < SILENCE_BINS; i++) {
		at -= g->silences[i].sum_s;
		if (at < 0)
			return g->silences[i].sum_s / g->silences[i].times;
	}
	return HUGE_VAL;
}

/* Deaths are even over time, so a group of n sockets dies n times as often. Returns the mean
 * one. */
static struct death simulate(const struct sockets_alike *g, unsigned int hz, struct sample *samples)
{
	double period = setting__period_s(&g->setting);
	struct death mean = { 0 };
	struct next_command next = next_command_of(g);
	unsigned int n;

	for (n = 0; n < DEATHS; n++) {
		struct silence_of_dead d = { &g->setting, hz, n };
		double length = silence_at(g, (n + 0.5) / DEATHS), within;
		double chance = timer_wheel__chance(n, 0.6180339887498949);
		struct death death;

		within = (length < HUGE_VAL ? length : period) * chance;
		death = detection(&d, length == HUGE_VAL || within >= period, fmod(within, period),
				  &next);
		samples[n] = (struct sample){ death.s, g->count / DEATHS };
		mean.s += death.s / DEATHS;
		mean.probes += death.probes / DEATHS;
	}
	return mean;
}

/* The integral of floor(x / every) from 0 to s. */
static double floors(double s, double every)
{
	double whole = floor(s / every);

	return every * whole * (whole - 1) / 2 + whole * (s - whole * every);
}

/* How often these silences are probed, on the average, after `first` and then `every` so many
 * seconds: their lengths lie evenly about the mean, as far as they spread. */
static double probes_in(const struct silences *all, double first, double every)
{
	double mean = all->sum_s / all->times;
	double variance = all->squares_s2 / all->times - mean * mean;
	double reach = sqrt(3 * fmax(0, variance)), later = every - first;

	if (reach < 1e-3 * mean)
		return floor(fmax(0, mean + later) / every);
	return (floors(fmax(0, mean + later + reach), every) -
		floors(fmax(0, mean + later - reach), every)) / (2 * reach);
}

/* After a word, the timer is looked at somewhere in its time, and armed for the rest. */
static double first_probed_s(const struct setting *s, unsigned int hz)
{
	return s->idle_s / 2 + timer_wheel__fires_after_s(s->idle_s / 2, hz, 0.5);
}

/* A silence is probed as often as the period fits in; for each lost probe there is one more, an
 * interval later. */
static double probes_per_s(const struct sockets_alike *g, unsigned int hz, double loss)
{
	double lost = loss / (1 - loss), probes = 0;
	double first = first_probed_s(&g->setting, hz);
	double every = probed_every_s(&g->setting, hz) + lost * g->setting.interval_s;
	unsigned int i;

	if (!g->covered_s)
		return (1 + lost) / every;
	for (i = 0; i < SILENCE_BINS; i++)
		if (g->silences[i].times > 0)
			probes += g->silences[i].times *
				  probes_in(&g->silences[i], first, every);
	return (1 + lost) * (probes + g->silent_s / every) / g->covered_s;
}

/* How many silences are long enough for the last probe? */
static double whole_silences_a_year(const struct sockets_alike *g, unsigned int hz)
{
	double period = setting__period_s(&g->setting), times = g->silent_s / period;
	double whole = period + false_deaths__to_last_probe_s(&g->setting, hz);
	unsigned int b;

	if (!g->covered_s)
		return SECONDS_A_YEAR / period;
	for (b = 0; b < SILENCE_BINS; b++)
		if (g->silences[b].sum_s > g->silences[b].times * whole)
			times += g->silences[b].sum_s / period;
	return times / g->covered_s * SECONDS_A_YEAR;
}

static void add_group(const struct sockets_alike *g, unsigned int hz, const struct tariff *tariff,
		      const struct late_answers *late_answers, struct death mean, struct prediction *p)
{
	double loss = fmin(late_answers__loss(late_answers), LOSS_MAX);
	double share = p->sockets ? g->count / p->sockets : 0;
	/* A dead peer has a socket, too, until that is noticed. */
	double lives_s = g->covered_s + g->deaths * mean.s;
	double rate = probes_per_s(g, hz, loss) * (lives_s ? g->covered_s / lives_s : 1);
	double to_dead = lives_s ? g->deaths / lives_s * mean.probes : 0;
	struct false_deaths wrong =
		false_deaths__expect(late_answers, &g->setting, hz, whole_silences_a_year(g, hz));

	p->probes_per_s += g->count * (rate + to_dead);
	p->wakeups_per_socket_day += share * rate * 86400;
	p->bytes_per_socket_day += share * 86400 * prediction__packet_bytes(0, g->ipv6, tariff) *
				   (rate * (2 - loss) + to_dead);
	p->false_deaths.low += share * wrong.low;
	p->false_deaths.high += share * wrong.high;
}

bool prediction__make(const struct sockets_alike *groups, size_t count, unsigned int hz,
		      const struct tariff *tariff, const struct late_answers *late_answers,
		      struct prediction *p)
{
	struct sample *samples = malloc((count * DEATHS + 1) * sizeof(*samples));
	size_t i, n = count * DEATHS;

	*p = (struct prediction){ 0 };
	if (!samples)
		return false;
	for (i = 0; i < count; i++)
		p->sockets += groups[i].count;
	for (i = 0; i < count; i++)
		add_group(&groups[i], hz, tariff, late_answers,
			  simulate(&groups[i], hz, samples + i * DEATHS), p);
	qsort(samples, n, sizeof(*samples), by_length);
	p->detection = (struct detection){ quantile(samples, n, p->sockets, 0.5),
					   quantile(samples, n, p->sockets, 0.95),
					   n ? samples[n - 1].s : 0 };
	free(samples);
	return true;
}
