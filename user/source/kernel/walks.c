// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/walks.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "tcp/stamps.h"
#include "tcp/tcp_states.h"

#define NS_PER_S 1000000000ULL
/* Walks over all sockets take no more than this share of a processor's time, ... */
#define DUTY 50
/* ... and the walk that only shows which are still open is repeated with a share and an interval of
 * its own. */
#define PRESENCE_DUTY 500
#define PRESENCE_NS (10 * NS_PER_S)
/* Holders are checked this often even where nothing is new, ... */
#define HOLDERS_NS (30 * NS_PER_S)
/* ... and this often after a connection was made, which may wait for its accept(). */
#define WALKS_FOR_OWNERS 2
/* Two are needed to decide which sockets ended. */
#define WALKS_AFTER_LOSS 2
#define ROWS_AT_ONCE 4096
/* Entering a namespace takes as long as this many rows. */
#define ROWS_OF_NAMESPACE 256
#define ROWS_OF_BATCH 512

/* ---- rows to records ---- */

static int push(struct walks *w, const struct record *r)
{
	return w->config.push(w->config.context, r);
}

static bool is_over(const struct walks *w)
{
	return !w->to_its_end && w->config.is_over && w->config.is_over(w->config.watch);
}

static int keep_up(struct walks *w, unsigned int rows)
{
	int err;

	w->rows += rows;
	if (w->rows < ROWS_AT_ONCE)
		return 0;
	w->rows = 0;
	err = w->config.keep_up(w->config.context);
	return err ? err : is_over(w) ? -ECANCELED : 0;
}

static int push_seen(struct walks *w, const struct ho_row *row)
{
	struct record r;

	r.type = RECORD_EVENT;
	r.mono_ns = row->event.mono_ns;
	r.event = row->event;
	r.small = false;
	return push(w, &r);
}

static int push_present(struct walks *w)
{
	struct record r = { .type = RECORD_SILENT, .mono_ns = clock__mono_ns() };
	uint32_t i;

	for (i = 0; i < w->present_count; i++) {	/* as of now, not of when it was found */
		uint64_t silent_s = (r.mono_ns - w->heard_ns[i]) / NS_PER_S;

		w->silent_s[i] = silent_s < UINT32_MAX ? silent_s : UINT32_MAX;
	}
	r.present.count = w->present_count;
	r.present.cookies = w->present;
	r.present.silent_s = w->silent_s;
	w->present_count = 0;
	return push(w, &r);
}

/* ---- one function for each kind of walk ---- */

static int on_seen(void *context, const struct ho_row *row)
{
	struct walks *w = context;
	int err = keep_up(w, 1);

	return err ? err : push_seen(w, row);
}

static int on_open(void *context, const struct ho_row *row)
{
	struct walks *w = context;

	return deferred__take(&w->deferred, &row->event) ? 0 : on_seen(w, row);
}

static int add_present(struct walks *w, const struct ho_row *row)
{
	const struct ho_event *e = &row->event;

	w->present[w->present_count] = e->cookie;
	w->heard_ns[w->present_count++] = stamps__heard_ns(e, w->config.hz);
	return w->present_count == RECORD_PRESENT_MAX ? push_present(w) : 0;
}

static int on_present(void *context, const struct ho_row *row)
{
	struct walks *w = context;
	int err = keep_up(w, 1);

	return err ? err : add_present(w, row);
}

/* The holder of a socket that the walk over sockets has reported; in a namespace that we may not
 * enter, nothing else reports it. */
static int emit_holder(struct walks *w, const struct ho_row *row)
{
	int err = 0;

	if (!inodes__has(&w->entered, row->event.netns))
		err = push_seen(w, row);
	return err ? err : held_sockets__add(&w->held, row);
}

static int add_held(struct walks *w, const struct ho_row *row)
{
	return held_sockets__add(&w->held, row);
}

/* A row of a walk over files: `living` takes those that have not died. Of a dead one the end was
 * told by a program, or nobody saw it: then it still stands behind its file as it died. */
static int on_file(struct walks *w, const struct ho_row *row,
		   int (*living)(struct walks *w, const struct ho_row *row))
{
	int err = keep_up(w, 1);

	if (err)
		return err;
	return row->event.state == TCP_CLOSE ? push_seen(w, row) : living(w, row);
}

static int on_held(void *context, const struct ho_row *row)
{
	return on_file(context, row, emit_holder);
}

static int on_owner(void *context, const struct ho_holder *holder)
{
	struct ho_row row = { .event = { .cookie = holder->cookie, .mono_ns = clock__mono_ns() },
			      .pid = holder->pid };
	struct walks *w = context;
	int err = keep_up(w, 1);

	memcpy(row.comm, holder->comm, sizeof(row.comm));
	return err ? err : add_held(w, &row);
}

static int ignore(struct walks *w, const struct ho_row *row)
{
	(void)w;
	(void)row;
	return 0;
}

static int on_dead(void *context, const struct ho_row *row)
{
	return on_file(context, row, ignore);
}

static int on_holder(void *context, const struct ho_row *row)
{
	return on_file(context, row, add_held);
}

static int on_held_present(void *context, const struct ho_row *row)
{
	return on_file(context, row, add_present);
}

static int on_netns(void *context, const struct netns *ns, const struct keepalive_sysctl *s)
{
	struct walks *w = context;
	int err;

	inodes__add(&w->entered, ns->inode);
	err = w->config.entered(w->config.context, ns, s);
	return err ? err : keep_up(w, ROWS_OF_NAMESPACE);
}

/* A run over the table of connections takes as long as this many rows, found or not. */
static int on_batch(void *context)
{
	return keep_up(context, ROWS_OF_BATCH);
}

/* ---- walks ---- */

/* The namespaces first: the core then knows the namespace of each socket. */
static int walk_namespaces(struct walks *w, struct record *r, enum every_netns_what what, row_fn fn)
{
	const struct every_netns every = { .snapshot = w->config.snapshot, .row = fn,
					   .entered = on_netns, .between = on_batch, .context = w };

	inodes__forget(&w->entered);
	w->config.begin(w->config.context);
	r->snapshot.begun_ns = clock__mono_ns();
	return every_netns__sockets(&every, what, &r->snapshot.complete);
}

/* `shown`: with the sockets of each process as they are by now, with the options that it has
 * set. */
static int walk_processes(struct walks *w, row_fn fn, bool shown)
{
	uint64_t begun_ns = clock__mono_ns();
	int err;

	held_sockets__begin(&w->held, shown);
	err = snapshot__held(w->config.snapshot, true, fn, w);
	if (!err)
		err = held_sockets__end(&w->held);
	log_debug("a walk over all processes took %.1f ms", (clock__mono_ns() - begun_ns) / 1e6);
	return err;
}

/* After a walk over all sockets. If that was complete, it has reported those that a process holds:
 * then only their owners are left, and who has died. */
static int walk_owners(struct walks *w, bool complete)
{
	uint64_t begun_ns = clock__mono_ns();
	int err;

	if (!complete || !snapshot__has_owners(w->config.snapshot))
		return walk_processes(w, on_held, false);
	held_sockets__begin(&w->held, false);
	err = snapshot__owners(w->config.snapshot, on_owner, w);
	if (!err)
		err = held_sockets__end(&w->held);
	if (!err && snapshot__met_dead(w->config.snapshot))
		err = snapshot__held(w->config.snapshot, true, on_dead, w);
	log_debug("a walk over the owners of sockets took %.1f ms",
		  (clock__mono_ns() - begun_ns) / 1e6);
	return err;
}

static int end_walk(struct walks *w, struct record *r, const char *kind)
{
	r->mono_ns = clock__mono_ns();
	log_debug("%s over all sockets took %.1f ms", kind,
		  (r->mono_ns - r->snapshot.begun_ns) / 1e6);
	return push(w, r);
}

int walks__make_whole(struct walks *w, bool describing)
{
	struct record r = { .type = RECORD_SNAPSHOT };
	int err;

	deferred__free(&w->deferred);
	w->to_its_end = describing;
	err = walk_namespaces(w, &r, EVERY_OPEN_AND_WAITING, on_open);
	if (!err)
		err = walk_owners(w, r.snapshot.complete);
	w->to_its_end = false;
	return err ? err : end_walk(w, &r, "a whole walk");
}

void walks__report_waiting(struct walks *w, uint64_t now_ns)
{
	size_t i;

	for (i = 0; i < w->deferred.group_count; i++) {
		w->deferred.groups[i].mono_ns = now_ns;
		push(w, &w->deferred.groups[i]);
	}
}

/* Only which sockets are open, and which are dead behind a file: an ending for which no program ran
 * is in no count of losses. */
static int make_presence(struct walks *w)
{
	struct record r = { .type = RECORD_SNAPSHOT };
	int err;

	w->present_count = 0;
	err = walk_namespaces(w, &r, EVERY_KNOWN, on_present);
	if (!err)
		err = snapshot__held(w->config.snapshot, true, on_held_present, w);
	if (!err)
		err = push_present(w);
	return err ? err : end_walk(w, &r, "a walk for presence");
}

int walks__make_last(struct walks *w)
{
	struct record r = { .type = RECORD_SNAPSHOT, .snapshot.last = true };
	int err;

	/* After lost events, a socket that is missing must not have had an event in the same unit
	 * of time. */
	if (w->after_loss)
		usleep((RECORD_TOUCH_NS - clock__mono_ns() % RECORD_TOUCH_NS) / 1000 + 1);
	w->to_its_end = true;
	w->present_count = 0;
	err = walk_namespaces(w, &r, EVERY_OPEN, on_seen);
	/* no second pass follows to find sockets that this one missed */
	if (!err && every_netns__may_miss(w->config.snapshot)) {
		struct record again = r;

		err = walk_namespaces(w, &again, EVERY_KNOWN, on_present);
	}
	if (!err)
		err = snapshot__held(w->config.snapshot, true, on_held_present, w);
	if (!err)
		err = push_present(w);
	return err ? err : end_walk(w, &r, "the last walk");
}

/* ---- schedule ---- */

void walks__begin(struct walks *w, uint64_t now_ns)
{
	w->next_ns = now_ns + NS_PER_S;
	w->next_presence_ns = now_ns + PRESENCE_NS;
	w->next_holders_ns = now_ns + HOLDERS_NS;
}

void walks__note_loss(struct walks *w)
{
	w->after_loss = WALKS_AFTER_LOSS;
}

void walks__note_opening(struct walks *w)
{
	w->for_owners = WALKS_FOR_OWNERS;
}

int walks__make_due(struct walks *w, uint64_t now_ns)
{
	/* by the processor's clock: on a busy host most of a walk is waiting, which costs nobody */
	uint64_t begun_ns = clock__own_cpu_ns(), took_ns;
	int err = 0;

	if (now_ns < w->next_ns)
		return 0;
	if (w->after_loss) {
		/* The first reports all again; the second only has to find sockets again. */
		err = w->after_loss > 1 ? walks__make_whole(w, false) : make_presence(w);
		w->after_loss -= !err;
	} else if (now_ns >= w->next_presence_ns) {
		err = make_presence(w);
	} else if (w->for_owners || now_ns >= w->next_holders_ns) {
		w->for_owners -= w->for_owners > 0;
		err = walk_processes(w, on_holder, true);
	} else {
		return 0;
	}
	took_ns = clock__own_cpu_ns() - begun_ns;
	if (now_ns >= w->next_presence_ns)
		w->next_presence_ns = now_ns + PRESENCE_NS + took_ns * PRESENCE_DUTY;
	else if (now_ns >= w->next_holders_ns)
		w->next_holders_ns = now_ns + HOLDERS_NS + took_ns * PRESENCE_DUTY;
	w->next_ns = now_ns + NS_PER_S + took_ns * DUTY;
	return err == -ECANCELED ? 0 : err;
}

void walks__free(struct walks *w)
{
	deferred__free(&w->deferred);
	inodes__free(&w->entered);
}
