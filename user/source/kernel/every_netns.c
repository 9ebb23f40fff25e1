// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>

#include "kernel/every_netns.h"
#include "kernel/inodes.h"

/* A walk over files gives cookies in all namespaces at once: cheaper than entering more than this
 * many for that. */
#define APART_MAX 2

struct pass {
	const struct every_netns *e;
	bool *complete;
	bool each;	/* the table cannot be read: each namespace is read by itself */
	bool begun;	/* a part of the table was read */
	/* Namespaces, by the low halves of their cookies: to be read by themselves, as a socket in
	 * there has no cookie. */
	struct inodes apart;
};

/* Enters the i-th; -1 for our own, which needs no return. */
static int enter(const struct netns_list *list, unsigned int i)
{
	return i ? netns__enter(&list->all[i]) : -1;
}

int every_netns__enter(bool named, bool (*wanted)(void *context, const struct netns *ns),
		       netns_fn entered, void *context)
{
	struct keepalive_sysctl sysctl;
	struct netns_list list;
	int err = named ? netns__list_named(&list) : netns__list(&list);
	unsigned int i;

	for (i = 0; !err && i < list.count; i++) {
		int back;

		if (!wanted(context, &list.all[i]))
			continue;
		back = enter(&list, i);
		if (i && back < 0)
			continue;
		if (netns__read_keepalive(&sysctl))
			err = entered(context, &list.all[i], &sysctl);
		if (i)
			netns__leave(back);
	}
	netns__free(&list);
	return err;
}

/* ---- the present namespace ---- */

/* A walk over a namespace's sockets visits those of all others, too (the kernel has one table): a
 * namespace without sockets is skipped. Sockets of both families, connected or not; true if
 * unknown. */
static bool has_sockets(void)
{
	static const char *const files[] = { "/proc/thread-self/net/sockstat",
					     "/proc/thread-self/net/sockstat6" };
	unsigned int i, used;

	for (i = 0; i < 2; i++) {
		FILE *f = fopen(files[i], "re");
		char line[256];

		if (!f && i)
			continue;	/* no IPv6 in here */
		if (!f)
			return true;
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, i ? "TCP6: inuse %u" : "TCP: inuse %u", &used) == 1 &&
			    used) {
				fclose(f);
				return true;
			}
		fclose(f);
	}
	return false;
}

/* Must the i-th be read by itself? The table is that of the first, our own. */
static bool must_be_read(struct pass *p, unsigned int i, bool first)
{
	uint32_t cookie = p->apart.count ? netns__cookie() : 0;

	if (p->each)
		return has_sockets();
	if (cookie && inodes__has(&p->apart, cookie))
		return true;
	return first && i && !snapshot__is_in_table(p->e->snapshot) && has_sockets();
}

/* ---- all of them ---- */

/* A namespace with a table of its own is read only here: twice, if a walk may miss a socket. */
static int read_here(struct pass *p, bool waiting)
{
	struct snapshot *s = p->e->snapshot;
	int walks = p->each || snapshot__is_exact(s) ? 1 : 2, err = 0;

	while (!err && walks--)
		err = snapshot__in_netns(s, waiting, p->e->row, p->e->context, p->complete);
	return err;
}

static int refuse(const struct pass *p, const struct netns *ns)
{
	return p->e->refused ? p->e->refused(p->e->context, ns) : 0;
}

/* Reports each (`first`), and reads it where necessary. */
static int read_namespaces(struct pass *p, bool waiting, bool first)
{
	const struct every_netns *e = p->e;
	struct keepalive_sysctl sysctl;
	struct netns_list list;
	int err = netns__list(&list);
	unsigned int i;

	for (i = 0; !err && i < list.count; i++) {
		int back = enter(&list, i);

		if (i && (back == -ENOENT || back == -EINVAL))
			continue;	/* it ended meanwhile, or was no namespace */
		if (i && back < 0) {
			*p->complete = false;
			err = first ? refuse(p, &list.all[i]) : 0;
			continue;
		}
		if (first && e->entered && netns__read_keepalive(&sysctl))
			err = e->entered(e->context, &list.all[i], &sysctl);
		if (!err && must_be_read(p, i, first))
			err = read_here(p, waiting);
		if (back >= 0)
			netns__leave(back);
	}
	if (!err && first && list.unseen)
		err = refuse(p, NULL);
	netns__free(&list);
	return err;
}

static int between(void *context)
{
	struct pass *p = context;

	p->begun = true;
	return p->e->between ? p->e->between(p->e->context) : 0;
}

static int take_row(void *context, const struct ho_row *row)
{
	struct pass *p = context;

	if (row->event.cookie)
		return p->e->row(p->e->context, row);
	inodes__add(&p->apart, row->event.net_cookie);
	return 0;
}

/* Reports what has a cookie, and notes the namespaces of the rest. */
static void soon(void *context, const struct ho_row *row)
{
	const struct every_netns *e = ((struct pass *)context)->e;

	e->soon(e->context, row);
}

static int walk_table(struct pass *p, const struct snapshot_wanted *wanted)
{
	bool whole;
	int err;

	inodes__forget(&p->apart);
	err = snapshot__table(p->e->snapshot, wanted, take_row, between, p, &whole);
	p->each = !whole;
	if (p->each && p->begun && !snapshot__is_exact(p->e->snapshot))
		*p->complete = false;
	return err;
}

/* The rest is read namespace by namespace: by then most has a cookie, from a walk over files if
 * `giving`, from an event or from us, and is reported twice. */
static int read_table(struct pass *p, enum every_netns_what what)
{
	const struct snapshot_wanted wanted = { .known = true, .unknown = what != EVERY_KNOWN,
						.waiting = what == EVERY_OPEN_AND_WAITING,
						.lean = p->e->lean,
						.untimed = p->e->untimed,
						.soon = p->e->soon ? soon : NULL };
	bool giving = what != EVERY_KNOWN && what != EVERY_OPEN_HELD;
	int err = walk_table(p, &wanted);

	if (!err && giving && !p->each && p->apart.count > APART_MAX) {
		err = snapshot__held(p->e->snapshot, false, NULL, NULL);
		if (!err)
			err = walk_table(p, &wanted);
	}
	if (err || (!p->each && !p->apart.count))
		return err;
	return read_namespaces(p, wanted.waiting, false);
}

bool every_netns__may_miss(const struct snapshot *snapshot)
{
	return !snapshot__has_table(snapshot) && !snapshot__is_exact(snapshot);
}

int every_netns__sockets(const struct every_netns *e, enum every_netns_what what, bool *complete)
{
	struct pass p = { .e = e, .complete = complete,
			  .each = !snapshot__has_table(e->snapshot) };
	int err;

	*complete = true;
	err = read_namespaces(&p, what == EVERY_OPEN_AND_WAITING, true);
	if (!err && !p.each)
		err = read_table(&p, what);
	inodes__free(&p.apart);
	return err;
}
