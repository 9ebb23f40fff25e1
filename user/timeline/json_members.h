/* SPDX-License-Identifier: GPL-2.0 */
/* What lines of several kinds have in common: their beginning, and members that are objects. */
#ifndef HALFOPEN_TIMELINE_JSON_MEMBERS_H
#define HALFOPEN_TIMELINE_JSON_MEMBERS_H

#include "timeline/timeline.h"
#include "value/json.h"

/* Begins and ends a line: its object, with the members that each line has. */
void json_members__begin_line(struct json *j, const char *schema, const struct timeline_origin *o,
			      uint64_t seq);
void json_members__end_line(struct json *j);

/* Null where it is 0. */
void json_members__time_or_null(struct json *j, const char *key, int64_t at);

/* Null where it is infinite. */
void json_members__finite(struct json *j, const char *key, double s);

void json_members__netns(struct json *j, const struct timeline_netns *ns);
void json_members__end(struct json *j, const char *key, const struct timeline_end *e);
void json_members__socket(struct json *j, const struct timeline_socket *s);
void json_members__keepalive(struct json *j, const struct timeline_keepalive *k);

#endif
