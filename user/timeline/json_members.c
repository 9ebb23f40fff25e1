// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "timeline/json_members.h"
#include "timeline/line.h"
#include "timeline/names.h"

void json_members__begin_line(struct json *j, const char *schema, const struct timeline_origin *o,
			      uint64_t seq)
{
	struct line_origin origin = { .gateway = o->gateway, .boot_id = o->boot_id,
				      .run_id = o->run_id, .seq = seq };

	line__begin(j, schema, &origin);
}

void json_members__end_line(struct json *j)
{
	json__end_object(j);
	json__end_line(j);
}

void json_members__time_or_null(struct json *j, const char *key, int64_t at)
{
	if (at)
		json__time(j, key, at);
	else
		json__null(j, key);
}

void json_members__finite(struct json *j, const char *key, double s)
{
	if (isinf(s))
		json__null(j, key);
	else
		json__number(j, key, s);
}

void json_members__netns(struct json *j, const struct timeline_netns *ns)
{
	json__object(j, "netns");
	json__u64(j, "inode", ns->inode);
	if (ns->cookie)
		json__big(j, "cookie", ns->cookie);
	if (*ns->name)
		json__string(j, "name", ns->name);
	if (*ns->host_name)
		json__string(j, "host_name", ns->host_name);
	json__end_object(j);
}

void json_members__end(struct json *j, const char *key, const struct timeline_end *e)
{
	json__object(j, key);
	json__string(j, "address", e->address);
	json__u64(j, "port", e->port);
	json__end_object(j);
}

static void write_owner(struct json *j, const struct timeline_owner *o)
{
	json__object(j, "owner");
	json__u64(j, "pid", o->pid);
	json__string(j, "comm", o->comm);
	if (*o->cgroup)
		json__string(j, "cgroup", o->cgroup);
	if (*o->container_id)
		json__string(j, "container_id", o->container_id);
	json__end_object(j);
}

void json_members__socket(struct json *j, const struct timeline_socket *s)
{
	json__object(j, "socket");
	json__big(j, "cookie", s->cookie);
	if (s->connection > 1)
		json__u64(j, "connection", s->connection);
	json_members__netns(j, &s->netns);
	json__string(j, "family", s->is_ipv6 ? "ipv6" : "ipv4");
	json_members__end(j, "local", &s->local);
	json_members__end(j, "peer", &s->peer);
	if (s->owner.known)
		write_owner(j, &s->owner);
	if (*s->device)
		json__string(j, "device", s->device);
	if (s->mptcp)
		json__bool(j, "mptcp", true);
	json__end_object(j);
}

void json_members__keepalive(struct json *j, const struct timeline_keepalive *k)
{
	if (!k->known) {
		json__null(j, "keepalive");
		return;
	}
	json__object(j, "keepalive");
	json__bool(j, "enabled", k->enabled);
	json__number(j, "idle_s", k->idle_s);
	json__number(j, "interval_s", k->interval_s);
	json__u64(j, "probes", k->probes);
	json__number(j, "user_timeout_ms", k->user_timeout_ms);
	if (k->rto_max_ms)
		json__number(j, "rto_max_ms", k->rto_max_ms);
	json__object(j, "from");
	json__string(j, "idle", option_source__name(k->idle_from));
	json__string(j, "interval", option_source__name(k->interval_from));
	json__string(j, "probes", option_source__name(k->probes_from));
	json__end_object(j);
	json_members__finite(j, "detects_within_s", k->detects_within_s);
	json_members__finite(j, "detects_within_max_s", k->detects_within_max_s);
	json__end_object(j);
}
