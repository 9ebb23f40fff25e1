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
	/* Namespaces, by the low halves of their cookies: to be read by themselves, as a socket in
	 * there has no cookie; ... */
	struct inodes apart;
	struct inodes read;	/* ... those that could be entered for it; ... */
	struct inodes late;	/* ... and others, found while the table was read */
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

/* From 6.1 on it may have been created with one (tcp_child_ehash_entries). The first namespace's
 * number is positive as well: if we are in another one, it is read twice. */
static bool has_table_of_its_own(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_ehash_entries", "re");
	long entries = 0;

	if (!f)
		return false;
	if (fscanf(f, "%ld", &entries) != 1)
		entries = 0;
	fclose(f);
	return entries > 0;
}

/* Must the i-th be read by itself? The table is that of the first, our own. */
static bool must_be_read(struct pass *p, unsigned int i)
{
	uint32_t cookie = p->apart.count ? netns__cookie() : 0;

	if (p->each)
		return has_sockets();
	if (cookie && inodes__has(&p->apart, cookie)) {
		inodes__add(&p->read, cookie);
		return true;
	}
	return i && has_table_of_its_own() && has_sockets();
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

/* Reports each (if `telling`), and reads it where necessary. */
static int read_namespaces(struct pass *p, bool waiting, bool telling)
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
			continue;
		}
		if (telling && e->entered && netns__read_keepalive(&sysctl))
			err = e->entered(e->context, &list.all[i], &sysctl);
		if (!err && must_be_read(p, i))
			err = read_here(p, waiting);
		if (back >= 0)
			netns__leave(back);
	}
	netns__free(&list);
	return err;
}

static int between(void *context)
{
	const struct every_netns *e = ((struct pass *)context)->e;

	return e->between ? e->between(e->context) : 0;
}

static int note_apart(void *context, const struct ho_row *row)
{
	struct pass *p = context;

	inodes__add(&p->apart, row->event.net_cookie);
	return 0;
}

/* Finds namespaces with a socket that has no cookie, without which it cannot be reported. */
static int find_apart(struct pass *p, bool waiting)
{
	const struct snapshot_wanted wanted = { .unknown = true, .waiting = waiting };
	bool whole;
	int err;

	inodes__forget(&p->apart);
	err = snapshot__table(p->e->snapshot, &wanted, note_apart, between, p, &whole);
	p->each = !whole;
	return err;
}

static int prepare(struct pass *p, bool waiting)
{
	int err = find_apart(p, waiting);

	if (err || p->each || p->apart.count <= APART_MAX)
		return err;
	err = snapshot__held(p->e->snapshot, false, NULL, NULL);
	return err ? err : find_apart(p, waiting);
}

static int take_row(void *context, const struct ho_row *row)
{
	struct pass *p = context;
	uint32_t netns = row->event.net_cookie;

	if (!row->event.cookie) {
		if (!inodes__has(&p->apart, netns))
			inodes__add(&p->late, netns);
		return 0;
	}
	if (p->read.count && snapshot__is_exact(p->e->snapshot) && inodes__has(&p->read, netns))
		return 0;	/* reported by that */
	return p->e->row(p->e->context, row);
}

/* Sockets that got no cookie from events or earlier passes meanwhile are read by themselves, after
 * the rest. */
static int read_table(struct pass *p, enum every_netns_what what)
{
	const struct snapshot_wanted wanted = { .known = true, .unknown = what != EVERY_KNOWN,
						.lean = p->e->lean,
						.untimed = p->e->untimed };
	struct inodes late;
	bool whole;
	int err = snapshot__table(p->e->snapshot, &wanted, take_row, between, p, &whole);

	if (err || (whole && !p->late.count))
		return err;
	p->each = !whole;
	late = p->late;
	p->late = p->apart;
	p->apart = late;
	if (p->each && !snapshot__is_exact(p->e->snapshot))
		*p->complete = false;
	return read_namespaces(p, false, false);
}

bool every_netns__may_miss(const struct snapshot *snapshot)
{
	return !snapshot__has_table(snapshot) && !snapshot__is_exact(snapshot);
}

int every_netns__sockets(const struct every_netns *e, enum every_netns_what what, bool *complete)
{
	bool waiting = what == EVERY_OPEN_AND_WAITING;
	struct pass p = { .e = e, .complete = complete,
			  .each = !snapshot__has_table(e->snapshot) };
	int err = 0;

	*complete = true;
	if (!p.each && what != EVERY_KNOWN && what != EVERY_OPEN_HELD)
		err = prepare(&p, waiting);
	if (!err)
		err = read_namespaces(&p, waiting, true);
	if (!err && !p.each)
		err = read_table(&p, what);
	inodes__free(&p.apart);
	inodes__free(&p.read);
	inodes__free(&p.late);
	return err;
}
