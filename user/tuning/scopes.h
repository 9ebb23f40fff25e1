/* SPDX-License-Identifier: GPL-2.0 */
/* Groups of advice: the sockets of a namespace, or of peers behind one port of ours. */
#ifndef HALFOPEN_TUNING_SCOPES_H
#define HALFOPEN_TUNING_SCOPES_H

#include "tuning/life.h"
#include "value/named_network.h"

enum scope_kind { SCOPE_NAMESPACE, SCOPE_GROUP };

/* How a command, pasted today, addresses a namespace: exactly that one, or none. */
enum scope_address {
	ADDRESS_NAME,		/* of `ip netns` */
	ADDRESS_COOKIE,		/* inode:N,cookie:N */
	/* Not at all: */
	ADDRESS_INODE_ALONE,	/* whose inode is reused as soon as it is free */
	ADDRESS_HOST_NAME,	/* maybe: old timelines had those as names */
	ADDRESS_SHARED_NAME,	/* several had it, and no cookies distinguish them */
	ADDRESS_BOOT_IS_OVER,	/* with which all its namespaces ended */
};

/* A namespace of a gateway, or peers of a network on one of our ports. */
struct scope {
	enum scope_kind kind;
	struct life_place place;	/* SCOPE_NAMESPACE */
	uint32_t netns_name, host_name;	/* SCOPE_NAMESPACE: texts__of(), the last; 0: none */
	enum scope_address address;	/* SCOPE_NAMESPACE */
	double first_seen_s, last_seen_s;	/* SCOPE_NAMESPACE: since 1970 */
	bool one_of_several;	/* of this inode, told apart by their runs alone */
	const char *name;		/* SCOPE_GROUP: the operator's, or NULL */
	const struct named_network *networks;	/* all of the operator's, of this name and others */
	unsigned int network_count;
	uint8_t network[16];		/* SCOPE_GROUP: mapped form; of so many bits, 0: any peer */
	unsigned int bits;
	uint16_t port;			/* SCOPE_GROUP: of the service; 0: several */
	bool outgoing;			/* it is the peers' port: we connected */
	struct life **lives;		/* into the histories' own array */
	size_t count;
};

struct scopes {
	struct scope *all;
	size_t count;
};

/*
 * The namespaces, and then the groups: where an operator named no network that holds a peer, by /24
 * (IPv6: /48) and the service's port (ours, or the peer's where ours is one of many that its
 * connections have), as long as it has enough peers; smaller ones are joined into the /16 (/32), or
 * all of the port's. Sorts the histories. False when memory is short.
 */
bool scopes__make(struct lives *l, const struct named_network *networks, unsigned int network_count,
		  struct scopes *s);

/* As that address is written; "4026531840", an inode alone, where a cookie is not known. Valid
 * until the next call. */
const char *scope__address(const struct lives *l, const struct scope *s);

/* The network of groups that would hold this peer (endpoint__mapped(); `family`: of its
 * traffic), the narrowest at level 0. */
#define SCOPE_LEVELS 3
void scope__set_network(struct scope *s, const struct endpoint *peer, uint8_t family,
			unsigned int level);

void scopes__free(struct scopes *s);

#endif
