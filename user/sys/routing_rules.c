// SPDX-License-Identifier: GPL-2.0
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "sys/netlink.h"
#include "sys/routing_rules.h"
#include "value/array.h"

static void append(struct routing_rules *r, const struct routing_rule *rule)
{
	struct routing_rule *bigger = array__with_room(r->all, r->count, &r->size, sizeof(*bigger));

	r->known &= bigger != NULL;
	if (!bigger)
		return;
	r->all = bigger;
	r->all[r->count++] = *rule;
}

/* `otherwise` where it has none. */
static uint32_t number(const struct nlmsghdr *answer, unsigned int type, uint32_t otherwise)
{
	const struct fib_rule_hdr *rule = NLMSG_DATA(answer);
	uint32_t value = otherwise;
	size_t length;
	const void *at =
		netlink__find(rule + 1, NLMSG_PAYLOAD(answer, sizeof(*rule)), type, &length);

	if (at && length == sizeof(value))
		memcpy(&value, at, sizeof(value));
	return value;
}

static bool is_of_vrf(const struct nlmsghdr *answer)
{
	const struct fib_rule_hdr *rule = NLMSG_DATA(answer);
	size_t length;

	return netlink__find(rule + 1, NLMSG_PAYLOAD(answer, sizeof(*rule)), FRA_L3MDEV, &length);
}

/* What else a rule asks for (an interface, addresses) some segment has. */
static void take_rule(void *context, const struct nlmsghdr *answer)
{
	const struct fib_rule_hdr *rule = NLMSG_DATA(answer);
	struct routing_rules *r = context;
	struct routing_rule new;

	if (answer->nlmsg_type != RTM_NEWRULE || answer->nlmsg_len < NLMSG_LENGTH(sizeof(*rule)) ||
	    rule->action != FR_ACT_TO_TBL)
		return;
	r->any_vrf |= is_of_vrf(answer);
	new.table = number(answer, FRA_TABLE, rule->table);
	new.marked = number(answer, FRA_FWMARK, 0) && !(rule->flags & FIB_RULE_INVERT);
	append(r, &new);
}

int routing_rules__read(struct routing_rules *r, int fd, uint8_t family)
{
	struct {
		struct nlmsghdr header;
		struct fib_rule_hdr body;
	} message = {
		.header = { .nlmsg_len = sizeof(message), .nlmsg_type = RTM_GETRULE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .family = family },
	};
	int err;

	r->count = 0;
	r->any_vrf = false;
	r->known = true;
	err = netlink__ask(fd, &message.header, take_rule, r);
	r->known &= !err && r->count;	/* a kernel may have no policy routing */
	return err;
}

bool routing_rules__lead_to(const struct routing_rules *r, uint32_t table)
{
	bool marked = false;
	size_t i;

	for (i = 0; r->known && i < r->count; i++) {
		if (r->all[i].table == table && !r->all[i].marked)
			return true;
		marked |= r->all[i].table == table;
	}
	return !r->known || (r->any_vrf && !marked);
}

void routing_rules__free(struct routing_rules *r)
{
	free(r->all);
	*r = (struct routing_rules){ 0 };
}
