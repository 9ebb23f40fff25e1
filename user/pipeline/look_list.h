/* SPDX-License-Identifier: GPL-2.0 */
/* The sockets of a look as a list: lines of text, or of JSON. */
#ifndef HALFOPEN_PIPELINE_LOOK_LIST_H
#define HALFOPEN_PIPELINE_LOOK_LIST_H

#include "file/output.h"
#include "pipeline/look_order.h"

struct look_list {
	enum look_key key;
	uint64_t limit;		/* the first alone; 0: all */
	bool json;		/* halfopen.socket/1; else text, as wide as the output's terminal */
	struct timeline_origin origin;	/* for JSON */
};

/* Takes a look (look__take(), by `config` but for its `take`), and lists what it finds. Nothing is
 * kept of a socket but its line, or its row where the line is longer. Returns 0 or -errno; what the
 * look failed by was logged. */
int look_list__of_look(struct look *l, const struct look_config *config, const struct look_list *list,
		       struct output *output);

/* Lists those that a look has kept. Returns 0 or -errno. */
int look_list__of_kept(const struct look *l, const struct look_list *list, struct output *output);

#endif
