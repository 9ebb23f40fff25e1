/* SPDX-License-Identifier: GPL-2.0 */
/* A parsed FILTER: a tree of tests. */
#ifndef HALFOPEN_CORE_FILTER_NODE_H
#define HALFOPEN_CORE_FILTER_NODE_H

#include <stdint.h>

#include "value/network.h"

enum filter_test {
	NODE_AND, NODE_OR, NODE_NOT,
	NODE_SPORT, NODE_DPORT, NODE_SRC, NODE_DST, NODE_STATE, NODE_PID,
	NODE_NETNS, NODE_COMM, NODE_CGROUP, NODE_CONTAINER, NODE_DEVICE,
};

enum filter_compare { EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

struct filter_host {
	struct network network;
	int32_t port;		/* -1: any */
};

#define FILTER_STATE_BIT(state) (1U << (state))

struct filter {
	enum filter_test kind;
	enum filter_compare compare;
	struct filter *left, *right;	/* NODE_NOT has the left one only */
	uint32_t number;	/* a port, a pid, a set of states */
	struct filter_host host;
	char *word;
};

#endif
