// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "connection/incidents.h"

const struct incidents *incidents__of(const struct connection *c)
{
	static const struct incidents none;

	return c->incidents ? c->incidents : &none;
}

bool incidents__make(struct connection *c)
{
	if (!c->incidents)
		c->incidents = calloc(1, sizeof(*c->incidents));
	c->failed |= !c->incidents;
	return c->incidents;
}

bool incidents__set_found_by(struct connection *c, enum found_by found_by)
{
	if (!incidents__make(c))
		return false;
	c->incidents->found_by = found_by;
	return true;
}

uint32_t incidents__revise(struct connection *c)
{
	return incidents__make(c) ? ++c->incidents->revision : 0;
}

struct rtt incidents__rtt(const struct connection *c)
{
	return rtt__sum(incidents__of(c)->rtt, c->run.rtt);
}

void incidents__silence_ended(struct connection *c, uint64_t at_ns)
{
	if (c->incidents && at_ns > c->incidents->failed_ns)
		c->incidents->failed_in_silence = 0;
}

bool incidents__run(const struct connection *c, struct entry *entry)
{
	const struct answered_run *run = &c->run;

	*entry = (struct entry){ .kind = EVENT_ANSWERED_RUN, .at_ns = run->first_ns,
				 .last_ns = run->last_ns, .n = run->rtt.count, .rtt = run->rtt,
				 .episode = run->episode };
	return run->rtt.count;
}

void incidents__flush_run(struct connection *c)
{
	struct entry run;

	if (!incidents__run(c, &run) || !incidents__make(c))
		return;
	c->failed |= !journal__add(&c->incidents->journal, &run);
	c->incidents->rtt = rtt__sum(c->incidents->rtt, c->run.rtt);
	c->run = (struct answered_run){ 0 };
}

static void tell(struct told *told, struct entry entry)
{
	if (told->count < sizeof(told->entries) / sizeof(told->entries[0]))
		told->entries[told->count++] = entry;
}

void incidents__note(struct connection *c, struct told *told, struct entry entry)
{
	incidents__flush_run(c);
	entry.episode = c->silences;
	c->failed |= !journal__add(&c->incidents->journal, &entry);
	tell(told, entry);
}

void incidents__note_loss(struct connection *c, uint64_t at_ns, uint32_t events,
			  struct told *told)
{
	if (!incidents__make(c))
		return;
	c->incidents->events_lost += events;
	incidents__note(c, told, (struct entry){ .kind = EVENT_LOST, .at_ns = at_ns, .n = events });
}

void incidents__suspect_successor(struct connection *c, const struct successor *by,
				  struct told *told)
{
	const struct successor *before = incidents__successor(c);

	told->count = told->untold_probes = 0;
	if ((before && before->confidence >= by->confidence) || !incidents__make(c))
		return;
	if (!c->incidents->successor)
		c->incidents->successor = malloc(sizeof(*by));
	if (!c->incidents->successor) {
		c->failed = true;
		return;
	}
	*c->incidents->successor = *by;
	c->told = true;
	incidents__note(c, told,
			(struct entry){ .kind = EVENT_SUPERSEDED,
					.at_ns = by->at_ns,
					.n = by->confidence * 1000,
					.by_cookie = by->cookie });
}

const struct successor *incidents__successor(const struct connection *c)
{
	const struct successor *by = incidents__of(c)->successor;

	return by && c->last_heard_ns <= by->at_ns ? by : NULL;
}

void incidents__free(struct connection *c)
{
	if (!c->incidents)
		return;
	journal__free(&c->incidents->journal);
	free(c->incidents->episodes);
	free(c->incidents->successor);
	free(c->incidents);
}
