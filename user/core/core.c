// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/admission.h"
#include "core/core.h"
#include "core/emit.h"
#include "core/histories.h"
#include "core/holders.h"
#include "core/namespaces.h"
#include "core/passes.h"
#include "core/periodic.h"
#include "core/reconnects.h"
#include "core/sockets.h"
#include "core/state.h"
#include "core/taken.h"
#include "core/wanted.h"

/* An ended socket waits this long for what follows its ending: the reset that it sent, the error
 * report of kernels that send it afterwards. */
#define LAST_EVENTS_NS 250000000ULL
/* Arrivals are judged this often: that walks over all sockets. */
#define ARRIVALS_NS 1000000000ULL

struct core *core__new(const struct core_config *config, const struct sink *sink)
{
	struct core *core = calloc(1, sizeof(*core));

	if (!core)
		return NULL;
	core->config = *config;
	core->sink = sink__of(sink);
	core->rules.suspect_after = config->suspect_after;
	core->rules.fold = !config->events;
	core->supersession.is_another = reconnects__is_another_device;
	core->supersession.context = core;
	core->supersession.arrivals.hash = core->identities.hash = config->hash;
	return core;
}

void core__free(struct core *core)
{
	struct slot *s = NULL;
	unsigned int i;

	if (!core)
		return;
	while ((s = table__next(&core->table, s)))
		histories__free(table__take_history(&core->table, s));
	table__free(&core->table);
	owners__free(&core->owners);
	withheld__free(&core->withheld);
	tally__free(&core->connections);
	identities__free(&core->identities);
	supersession__free(&core->supersession);
	periodic__free(&core->periodic);
	free(core->namespaces);
	free(core->closings);
	for (i = 0; i < RESET_REASONS_MAX; i++)
		free(core->reset_reasons[i]);
	free(core->run.version);
	free(core->run.gateway);
	free(core->run.boot_id);
	free(core->run.run_id);
	free(core->run.kernel);
	free(core->run.peers);
	free(core->run.attached);
	free(core);
}

const char *core__peers(const struct core *core)
{
	return core->run.peers;
}

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

static int feed_meta(struct core *core, const struct record *r)
{
	struct run *run = &core->run;

	core->descriptions++;
	core->describing = true;
	if (run->hz)
		return 0;
	run->hz = core->rules.hz = r->meta.hz;
	if (!core->config.filter)	/* else most may be kept out */
		table__expect(&core->table, r->meta.sockets);
	run->version = copy(r->meta.version);
	run->gateway = copy(r->meta.gateway);
	run->boot_id = copy(r->meta.boot_id);
	run->run_id = copy(r->meta.run_id);
	run->kernel = copy(r->meta.kernel);
	run->peers = copy(r->meta.peers);
	if (!run->version || !run->gateway || !run->boot_id || !run->run_id || !run->kernel ||
	    !run->peers)
		return -ENOMEM;
	return 0;
}

static int feed_start(struct core *core, const struct record *r)
{
	int err;

	core->describing = false;
	if (core->run.attached)	/* a stream starts once, whatever a file contains */
		return 0;
	err = admission__decide(core);
	core->started = true;
	core->run.attached = copy(r->start.attached);
	core->rules.probes_unseen = !record__sees_probes(r);
	core->run.started_ns = r->mono_ns;
	core->periodic.due_ns = r->mono_ns + core->config.every_ns;
	losses__begin(&core->losses, r->mono_ns);
	if (!core->run.attached)
		return -ENOMEM;
	emit__start(core);
	return err;
}

/* The first name of a reason counts. */
static int take_reset_reason(struct core *core, const struct record *r)
{
	char **name;

	if (r->reset_reason.number >= RESET_REASONS_MAX)
		return 0;
	name = &core->reset_reasons[r->reset_reason.number];
	if (!*name)
		*name = copy(r->reset_reason.name);
	return *name ? 0 : -ENOMEM;
}

/* If a stream describes itself again, the first description counts. */
static void feed_waiting(struct core *core, const struct record *r)
{
	if (!wanted__listener(core, r))
		return;
	if (!core->started)
		core->run.waiting += r->waiting.count;
	taken__pass_on(core, r);
}

static void feed_clock(struct core *core, const struct record *r)
{
	int64_t step = wallclock__set(&core->clock, r->mono_ns, r->clock.realtime_offset_ns);

	if (step && core->started)
		emit__clock_step(core, r->mono_ns, step);
}

/* Open sockets at the interval, if there is one. */
static int emit_periodically(struct core *core)
{
	const uint64_t *cookies;
	size_t count, i;
	int err;

	if (!core->config.every_ns)
		return 0;
	err = periodic__pass_time(&core->periodic, &core->table, core->config.every_ns,
				  core->now_ns);
	if (err)
		return err;
	count = periodic__slice(&core->periodic, &cookies);
	for (i = 0; i < count; i++) {
		struct slot *s = table__find(&core->table, cookies[i]);

		if (s)
			emit__if_open(core, s);
	}
	return 0;
}

static int pass_time(struct core *core)
{
	int err = admission__decide(core);

	if (!core->started)
		return err;
	emit__losses(core);
	reconnects__judge_closings(core);
	if (core->now_ns >= core->next_arrivals_ns) {
		reconnects__judge_arrivals(core);
		core->next_arrivals_ns = core->now_ns + ARRIVALS_NS;
	}
	sockets__emit_ended(core,
			    core->now_ns > LAST_EVENTS_NS ? core->now_ns - LAST_EVENTS_NS : 0);
	err = emit_periodically(core) ?: err;
	emit__tick(core);
	return err;
}

static int stop(struct core *core)
{
	int err = admission__decide(core);

	if (!core->started)
		return err;
	emit__losses(core);
	reconnects__judge_closings(core);
	sockets__emit_ended(core, UINT64_MAX);
	emit__open_sockets(core);
	emit__tick(core);
	core->started = false;
	return err;
}

/* Passes on those sockets of the list that were let in. */
static void pass_on_present(struct core *core, const struct record *r)
{
	uint64_t cookies[RECORD_PRESENT_MAX];
	uint32_t silent_s[RECORD_PRESENT_MAX];
	struct record let_in = *r;
	uint32_t i, n = 0;

	for (i = 0; i < r->present.count; i++) {
		const struct slot *s = table__find(&core->table, r->present.cookies[i]);

		if (!s || s->ignored)
			continue;
		cookies[n] = r->present.cookies[i];
		silent_s[n++] = r->present.silent_s[i];
	}
	let_in.present.cookies = cookies;
	let_in.present.silent_s = silent_s;
	let_in.present.count = n;
	if (n)
		taken__pass_on(core, &let_in);
}

/* Records whose recipients know the sockets concerned are passed on there. */
static void pass_on(struct core *core, const struct record *r)
{
	switch (r->type) {
	case RECORD_EVENT:
	case RECORD_OWNER:
	case RECORD_HOLDER:
	case RECORD_LOSS:
	case RECORD_IDENTITY:
	case RECORD_WAITING:
		return;
	case RECORD_SILENT:
		if (core->config.filter) {
			pass_on_present(core, r);
			return;
		}
		break;
	default:
		break;
	}
	taken__pass_on(core, r);
}

/* Sockets without events would learn of it late. */
static int take_sysctl(struct core *core, const struct record *r)
{
	struct namespace_sysctl *ns;
	bool has_changed;
	int err = namespaces__take(core, r, &ns, &has_changed);

	if (err)
		return err;
	admission__note_names(core);
	if (has_changed)
		sockets__follow_sysctl(core, ns, r->mono_ns);
	namespaces__settle(core, ns);
	return 0;
}

static int take(struct core *core, const struct record *r)
{
	switch (r->type) {
	case RECORD_META:
		return feed_meta(core, r);
	case RECORD_START:
		return feed_start(core, r);
	case RECORD_EVENT:
		recent_events__add(&core->recent, &r->event);
		return admission__take_event(core, r);
	case RECORD_OWNER:
		return holders__take_owner(core, r);
	case RECORD_HOLDER:
		return holders__take(core, r);
	case RECORD_SYSCTL:
		return take_sysctl(core, r);
	case RECORD_NETNS_GONE:
		namespaces__lose_name(core, r);
		return 0;
	case RECORD_PRESENT:
		passes__take_present(core, r);
		return 0;
	case RECORD_SILENT_48:
	case RECORD_SILENT:
		passes__take_silent(core, r);
		return 0;
	case RECORD_IDENTITY:
		admission__note_names(core);
		return reconnects__take_identity(core, r);
	case RECORD_SNAPSHOT:
		return passes__take_end(core, r);
	case RECORD_LOSS:
		admission__take_loss(core, r);
		return 0;
	case RECORD_CLOCK:
		feed_clock(core, r);
		return 0;
	case RECORD_WAITING:
		feed_waiting(core, r);
		return 0;
	case RECORD_TICK:
		return pass_time(core);
	case RECORD_STOP:
		return stop(core);
	case RECORD_RESET_REASON:
		return take_reset_reason(core, r);
	case RECORD_EVENT_3:	/* no record that was decoded is */
	case RECORD_TYPE_MAX:
		break;
	}
	return 0;
}

int core__feed(struct core *core, const struct record *r, const char **why)
{
	int err;

	*why = "out of memory";
	if (!core->run.hz && r->type != RECORD_META) {
		*why = "the stream does not begin with a description of its run";
		return -EBADMSG;
	}
	if (r->mono_ns > core->now_ns)
		core->now_ns = r->mono_ns;
	err = take(core, r);
	if (err)
		return err;
	pass_on(core, r);
	if (core->error != -ENOMEM)
		*why = NULL;
	return core->error;
}

bool core__has_more_to_tell(const struct core *core)
{
	return periodic__is_under_way(&core->periodic);
}

struct summary core__summary(struct core *core)
{
	return emit__summary(core);
}

struct summary core__totals(const struct core *core)
{
	return totals__summary(&core->totals);
}

bool core__show(struct core *core, uint64_t cookie,
		void (*fn)(void *context, const struct timeline *t), void *context)
{
	const struct slot *s = table__find(&core->table, cookie);
	struct connection *c = s ? table__history(&core->table, s) : NULL;

	if (!c || !c->addressed || connection__ended_ns(c) || !wanted__is(core, c))
		return false;
	emit__show(core, c, fn, context);
	return true;
}

struct identities *core__identities(struct core *core)
{
	return &core->identities;
}

uint64_t core__names_forgotten(const struct core *core)
{
	return core->identities.forgotten;
}

int core__tell_meta(struct core *core)
{
	if (core->run.attached)
		emit__meta(core);
	return core->error;
}

int core__tell_last_summary(struct core *core)
{
	if (core->run.attached)
		emit__last_summary(core);
	return core->error;
}
