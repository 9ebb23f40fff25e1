// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>

#include "text/advice_commands.h"

static const char *why_missing(enum scope_address address)
{
	switch (address) {
	case ADDRESS_NAME:
	case ADDRESS_COOKIE:
		break;
	case ADDRESS_INODE_ALONE:
		return "the input tells this namespace by its inode alone, which is given to "
		       "another one as soon as it is free";
	case ADDRESS_HOST_NAME:
		return "the input tells no cookie of this namespace, and its name may be the host "
		       "name of who lived there, which anybody may take";
	case ADDRESS_SHARED_NAME:
		return "several namespaces had this name, and the input does not tell which has "
		       "it now";
	case ADDRESS_BOOT_IS_OVER:
		return "the gateway was booted since: this namespace has ended";
	}
	return NULL;
}

static void add_apply(const struct lives *l, const struct advice *a, struct advice_commands *c)
{
	const char *address = scope__address(l, a->scope);
	const struct setting *s = &a->proposed;
	struct words *w = &c->all[c->count++];

	words__add(w, "halfopen apply --idle %.0f --interval %.0f --probes %u --netns", s->idle_s,
		   s->interval_s, s->probes);
	words__add_argument(w, address);
	words__add(w, " --trial 1h");
	words__add(&c->undo, "halfopen revert --netns");
	words__add_argument(&c->undo, address);
}

/* A namespace that is made anew with its pod or container gets its values from its maker. Shell
 * comments: pasted, they do nothing. */
static void add_maker(const struct advice *a, struct advice_commands *c)
{
	static const char *const keys[] = { "time", "intvl", "probes" };
	const struct setting *s = &a->proposed;
	const double values[] = { s->idle_s, s->interval_s, s->probes };
	bool in_pod = a->evidence->in_pod;
	struct words *w = &c->all[c->count++];
	unsigned int i;

	words__add(w, in_pod ? "# pod: securityContext: {sysctls: [" : "# docker run");
	for (i = 0; i < 3; i++)
		if (in_pod)
			words__add(w, "%s{name: net.ipv4.tcp_keepalive_%s, value: \"%.0f\"}",
				   i ? ", " : "", keys[i], values[i]);
		else
			words__add(w, " --sysctl net.ipv4.tcp_keepalive_%s=%.0f", keys[i],
				   values[i]);
	words__add(w, in_pod ? "]}" : " IMAGE");
}

/* sysctl(8), which every host has; it knows no cookies. */
static void add_sysctl(const struct lives *l, const struct advice *a, struct advice_commands *c)
{
	const struct setting *s = &a->proposed;
	struct words *w = &c->all[c->count++];

	words__add(w, "ip netns exec");
	words__add_argument(w, scope__address(l, a->scope));
	words__add(w, " sysctl -w net.ipv4.tcp_keepalive_time=%.0f "
		   "net.ipv4.tcp_keepalive_intvl=%.0f net.ipv4.tcp_keepalive_probes=%u", s->idle_s,
		   s->interval_s, s->probes);
}

void advice_commands__make(const struct lives *l, const struct advice *a,
			   struct advice_commands *c)
{
	*c = (struct advice_commands){ .count = 0 };
	if (a->verdict != ADVICE_CHANGE || a->scope->kind != SCOPE_NAMESPACE)
		return;
	c->missing = why_missing(a->scope->address);
	if (!c->missing)
		add_apply(l, a, c);
	if (a->evidence->in_pod || a->evidence->in_container)
		add_maker(a, c);
	else if (a->scope->address == ADDRESS_NAME)
		add_sysctl(l, a, c);
}

bool advice_commands__failed(const struct advice_commands *c)
{
	return c->all[0].failed || c->all[1].failed || c->undo.failed;
}

void advice_commands__free(struct advice_commands *c)
{
	unsigned int i;

	for (i = 0; i < ADVICE_COMMANDS_MAX; i++)
		words__free(&c->all[i]);
	words__free(&c->undo);
}
