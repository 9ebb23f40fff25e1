/* SPDX-License-Identifier: GPL-2.0 */
/* Members that every line of JSON begins with. */
#ifndef HALFOPEN_TIMELINE_LINE_H
#define HALFOPEN_TIMELINE_LINE_H

#include "value/json.h"

/* The host, boot and run that write the line. */
struct line_origin {
	const char *gateway, *boot_id, *run_id;
	uint64_t seq;	/* of the next line */
};

static inline void line__begin(struct json *j, const char *schema, struct line_origin *o)
{
	json__object(j, NULL);
	json__string(j, "schema", schema);
	json__string(j, "gateway", o->gateway);
	json__string(j, "boot_id", o->boot_id);
	json__string(j, "run_id", o->run_id);
	json__u64(j, "seq", o->seq++);
}

#endif
