// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tuning/presence.h"

bool presence__begin(struct presence *p, const struct named_network *networks,
		     unsigned int network_count)
{
	p->networks = networks;
	p->network_count = network_count;
	if (!scopes__make(&p->lives, networks, network_count, &p->scopes))
		return false;
	p->of_scope = calloc(p->scopes.count + 1, sizeof(*p->of_scope));
	return p->of_scope;
}

void presence__free(struct presence *p)
{
	size_t i;

	for (i = 0; p->of_scope && i < p->scopes.count; i++) {
		if (p->of_scope[i])
			survival__free(p->of_scope[i]);
		free(p->of_scope[i]);
	}
	free(p->of_scope);
	scopes__free(&p->scopes);
	lives__free(&p->lives);
	*p = (struct presence){ .of_scope = NULL };
}

/* ---- its group ---- */

static bool holds(const struct scope *s, const struct endpoint *local, const struct endpoint *peer,
		  const char *name)
{
	struct network of = { .bits = s->bits };

	if (s->kind != SCOPE_GROUP || s->port != (s->outgoing ? peer->port : local->port))
		return false;
	if (s->name || name)
		return s->name && name && !strcmp(s->name, name);
	memcpy(of.address, s->network, sizeof(of.address));
	return network__holds(&of, peer->address);
}

/* The narrowest that holds its peer; -1: none does. */
static long group_of(const struct presence *p, const struct presence_subject *s)
{
	struct endpoint peer = endpoint__mapped(&s->peer, s->family);
	const char *name = named_network__of(peer.address, p->networks, p->network_count);
	long best = -1;
	size_t i;

	for (i = 0; i < p->scopes.count; i++)
		if (holds(&p->scopes.all[i], &s->local, &peer, name) &&
		    (best < 0 || p->scopes.all[i].bits > p->scopes.all[best].bits))
			best = i;
	return best;
}

static const struct survival *survival_of(struct presence *p, size_t group)
{
	const struct scope *scope = &p->scopes.all[group];
	struct survival *s = p->of_scope[group];

	if (s)
		return s;
	s = malloc(sizeof(*s));
	if (s && !survival__learn(scope->lives, scope->count, s)) {
		free(s);
		s = NULL;
	}
	return p->of_scope[group] = s;
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

static double chance(struct presence *p, const struct presence_subject *s, size_t group,
		     const struct survival *survival)
{
	struct survival_question q = { .silent_s = s->silent_s, .unanswered = s->unanswered,
				       .mute_s = s->mute_s };
	const struct life *own = own_history(p, &p->scopes.all[group], s);

	if (own)
		q.rhythm = rhythm__of(own);
	return survival__chance(survival, &q);
}

double presence__of(struct presence *p, const struct presence_subject *s, const char **why)
{
	const struct survival *survival;
	long group = group_of(p, s);
	double result;

	*why = "no peer of its network and port is in the history";
	if (group < 0)
		return NAN;
	survival = survival_of(p, group);
	*why = survival ? survival__why_not(survival) : "out of memory";
	if (*why)
		return NAN;
	result = chance(p, s, group, survival);
	*why = isnan(result) ? "no peer of its group was heard again after so long a silence, or "
			       "found gone"
			     : "";
	return result;
}
