// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "applied.h"
#include "changing.h"
#include "cmd.h"
#include "log.h"
#include "plain_text.h"
#include "reason.h"

/* The end of a trial takes a moment; somebody who is asked whether to apply takes longer. */
#define LOCK_TRIES 20
#define LOCK_TRY_US 100000

int changing__exit_code(int err)
{
	return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

const char *changing__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE])
{
	char plain[NETNS_ADDRESS_SIZE];

	return plain_text__quoted(netns__address(ns, plain), address, NETNS_ADDRESS_SIZE);
}

/* Whoever lives there chose this host name, as anybody may. */
static void tell_address_of_host(struct netns *ns, const char *host_name)
{
	char address[NETNS_ADDRESS_SIZE];
	int back = netns__enter(ns);

	if (back >= 0) {
		ns->cookie = netns__cookie();
		netns__leave(back);
	}
	log_error("'%s' is the host name of who lives in a namespace, which is his choice and no "
		  "address: if that one is meant, --netns %s", host_name,
		  changing__address(ns, address));
}

static void tell_hosts(const char *host_name)
{
	struct netns_list list = { 0 };
	unsigned int i;

	if (*host_name && !netns__list(&list))
		for (i = 0; i < list.count; i++)
			if (!strcmp(list.all[i].host_name, host_name))
				tell_address_of_host(&list.all[i], host_name);
	netns__free(&list);
}

int changing__find_netns(const char *text, struct netns *ns)
{
	int err = netns__find(text ? text : "/proc/self/ns/net", ns);

	if (!err)
		return EXIT_DONE;
	if (changing__exit_code(err) == EXIT_NOT_PERMITTED) {
		log_error("not permitted: --netns %s needs CAP_SYS_ADMIN and CAP_SYS_PTRACE (run it as "
			  "root)", text);
		return EXIT_NOT_PERMITTED;
	}
	log_error("--netns: there is no namespace '%s' (%s): expected a name of 'ip netns', a "
		  "process id, a path or inode:N,cookie:N", text, strerror(-err));
	tell_hosts(text);
	return EXIT_USAGE;
}

int changing__enter(struct netns *ns, int *back)
{
	char address[NETNS_ADDRESS_SIZE];

	*back = netns__enter(ns);
	if (*back >= 0) {
		ns->cookie = netns__cookie();
		return EXIT_DONE;
	}
	if (*back == -ENOENT) {
		log_error("namespace %s is gone", netns__address(ns, address));
		return EXIT_USAGE;
	}
	if (changing__exit_code(*back) == EXIT_NOT_PERMITTED)
		log_error("not permitted: entering namespace %s needs CAP_SYS_ADMIN",
			  netns__address(ns, address));
	else
		log_error("namespace %s: %s", netns__address(ns, address), reason__of(*back));
	return changing__exit_code(*back);
}

int changing__lock(const char *directory, int *lock)
{
	unsigned int tries;

	for (tries = 0; tries < LOCK_TRIES; tries++) {
		*lock = applied__lock(directory);
		if (*lock >= 0)
			return EXIT_DONE;
		if (*lock != -EWOULDBLOCK)
			break;
		usleep(LOCK_TRY_US);
	}
	if (*lock == -EWOULDBLOCK)
		log_error("%s: another 'halfopen apply' or 'revert' is at work", directory);
	else
		log_error("%s: %s%s", directory, reason__of(*lock),
			  changing__exit_code(*lock) == EXIT_NOT_PERMITTED
			  ? ": run it as root, or name a directory of yours by --state" : "");
	return changing__exit_code(*lock);
}
