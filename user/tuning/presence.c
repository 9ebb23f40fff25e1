// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/path_witnesses.h"
#include "tuning/presence.h"

/* The share of devices that must be behind one timer or another. */
#define NEARLY_ALL 0.99

/* ---- groups, in an order to search ---- */

static int order_of(const struct scope *a, const struct scope *b)
{
	int order = (int)a->outgoing - (int)b->outgoing;

	if (!order)
		order = (int)a->port - (int)b->port;
	if (!order)
		order = strcmp(a->name ?: "", b->name ?: "");
	if (!order)
		order = (int)a->bits - (int)b->bits;
	return order ? order : memcmp(a->network, b->network, sizeof(a->network));
}

static int by_order(const void *a, const void *b)
{
	return order_of(*(const struct scope *const *)a, *(const struct scope *const *)b);
}

bool presence__begin(struct presence *p, const struct named_network *networks,
		     unsigned int network_count)
{
	size_t i;

	p->networks = networks;
	p->network_count = network_count;
	if (!scopes__make(&p->lives, networks, network_count, &p->scopes))
		return false;
	p->of_scope = calloc(p->scopes.count + 1, sizeof(*p->of_scope));
	p->order = malloc((p->scopes.count + 1) * sizeof(*p->order));
	if (!p->of_scope || !p->order)
		return false;
	for (i = 0; i < p->scopes.count; i++)
		if (p->scopes.all[i].kind == SCOPE_GROUP)
			p->order[p->order_count++] = &p->scopes.all[i];
	qsort(p->order, p->order_count, sizeof(*p->order), by_order);
	return true;
}

void presence__free(struct presence *p)
{
	size_t i;

	for (i = 0; p->of_scope && i < p->scopes.count; i++) {
		if (p->of_scope[i])
			survival__free(&p->of_scope[i]->survival);
		free(p->of_scope[i]);
	}
	free(p->of_scope);
	free(p->order);
	scopes__free(&p->scopes);
	lives__free(&p->lives);
	*p = (struct presence){ .of_scope = NULL };
}

/* ---- its group ---- */

/* The one that looks like `wanted`; NULL: there is none. */
static const struct scope *find(const struct presence *p, const struct scope *wanted)
{
	const struct scope *const *found =
		bsearch(&wanted, p->order, p->order_count, sizeof(*p->order), by_order);

	return found ? *found : NULL;
}

/* Of that port, the narrowest that holds the peer. */
static const struct scope *narrowest(const struct presence *p, const struct endpoint *peer,
				     uint8_t family, struct scope *wanted)
{
	const struct scope *found = NULL;
	unsigned int level;

	for (level = 0; !found && level < SCOPE_LEVELS; level++) {
		scope__set_network(wanted, peer, family, level);
		found = find(p, wanted);
	}
	return found;
}

static const struct scope *group_of(const struct presence *p, const struct presence_subject *s)
{
	struct endpoint peer = endpoint__mapped(&s->peer, s->family);
	uint8_t family = endpoint__is_mapped(peer.address) ? AF_INET : AF_INET6;
	struct scope wanted = { .port = s->local.port };
	const struct scope *found;

	wanted.name = named_network__of(peer.address, p->networks, p->network_count);
	found = wanted.name ? find(p, &wanted) : narrowest(p, &peer, family, &wanted);
	if (found)
		return found;
	wanted = (struct scope){ .port = s->peer.port, .outgoing = true, .name = wanted.name };
	return wanted.name ? find(p, &wanted) : narrowest(p, &peer, family, &wanted);
}

/* Behind the last of its timers, where nearly all devices are behind one. */
static double path_of(const struct idle_timeout *t)
{
	double share = 0, last_s = 0;
	unsigned int i;

	if (t->reason != IDLE_KNOWN)
		return 0;
	for (i = 0; i < t->steps; i++) {
		share += t->step[i].share;
		last_s = fmax(last_s, t->step[i].at_s);
	}
	if (t->steps < 2)
		return !t->steps || share >= NEARLY_ALL ? t->high_s : 0;
	return share >= NEARLY_ALL ? last_s * t->high_s / t->estimate_s : 0;
}

static bool learn(const struct scope *scope, struct presence_group *g)
{
	struct idle_timeout path;

	if (!survival__learn(scope->lives, scope->count, &g->survival))
		return false;
	if (!path_witnesses__estimate(scope, &path)) {
		survival__free(&g->survival);
		return false;
	}
	g->path_s = path_of(&path);
	return true;
}

/* NULL: the history has none, or memory is short. */
static const struct presence_group *learned(struct presence *p, const struct scope *scope)
{
	struct presence_group **g = scope ? &p->of_scope[scope - p->scopes.all] : NULL;

	if (!g || *g)
		return g ? *g : NULL;
	*g = malloc(sizeof(**g));
	if (*g && !learn(scope, *g)) {
		free(*g);
		*g = NULL;
	}
	return *g;
}

/* ---- its own history ---- */

/* The number of a text that the histories have; 0: they do not. */
static uint32_t number_of(struct presence *p, const char *text)
{
	return *text ? texts__of(&p->lives.texts, text) : 0;
}

/* This connection in the history, or else its device's last. */
static const struct life *own_history(struct presence *p, const struct scope *group,
				      const struct presence_subject *s)
{
	const struct life *own = lives__find(&p->lives, number_of(p, s->boot_id), s->cookie, 0);
	uint32_t device = own ? 0 : number_of(p, s->device);
	size_t i;

	for (i = group->count; !own && device && i-- > 0;)
		if (group->lives[i]->device == device)
			own = group->lives[i];
	return own;
}

/* ---- the whole ---- */

static struct survival_chance chance(struct presence *p, const struct presence_subject *s,
				     const struct scope *group, const struct survival *survival)
{
	struct survival_question q = { .silent_s = s->silent_s, .unanswered = s->unanswered,
				       .mute_s = s->mute_s };
	const struct life *own = own_history(p, group, s);

	if (own)
		q.rhythm = rhythm__of(own);
	return survival__chance(survival, &q);
}

static enum presence_unknown what_is_missing(const struct scope *scope,
					     const struct presence_group *g)
{
	if (!scope)
		return PRESENCE_NO_GROUP;
	if (!g)
		return PRESENCE_NO_MEMORY;
	if (g->survival.connections < SURVIVAL_CONNECTIONS_MIN)
		return PRESENCE_FEW_CONNECTIONS;
	return g->survival.silences < SURVIVAL_SILENCES_MIN ? PRESENCE_FEW_SILENCES
							    : PRESENCE_KNOWN;
}

struct survival_chance presence__of(struct presence *p, const struct presence_subject *s,
				    enum presence_unknown *unknown)
{
	const struct scope *scope = group_of(p, s);
	const struct presence_group *g = learned(p, scope);
	struct survival_chance result = { NAN, NAN, NAN };

	*unknown = what_is_missing(scope, g);
	if (*unknown != PRESENCE_KNOWN)
		return result;
	result = chance(p, s, scope, &g->survival);
	if (isnan(result.likely))
		*unknown = PRESENCE_SILENT_TOO_LONG;
	return result;
}

/* One that outlived it before is not behind it. */
static bool has_outlived(const struct life *own, double path_s)
{
	unsigned int i;

	for (i = 0; own && i < own->gap_count; i++)
		if (own->gaps[i].to_s > path_s)
			return true;
	return false;
}

double presence__path_s(struct presence *p, const struct presence_subject *s)
{
	const struct scope *scope = group_of(p, s);
	const struct presence_group *g = learned(p, scope);

	if (!g || !g->path_s || has_outlived(own_history(p, scope, s), g->path_s))
		return 0;
	return g->path_s;
}
