// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
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

const char *changing__revert_command(const struct netns *ns, const char *directory,
				     char command[CHANGING_COMMAND_SIZE])
{
	char text[NETNS_ADDRESS_SIZE], state[512];

	if (ns)
		changing__address(ns, text);
	if (strcmp(directory, STATE_DIRECTORY))
		plain_text__quoted(directory, state, sizeof(state));
	else
		*state = '\0';
	snprintf(command, CHANGING_COMMAND_SIZE, "halfopen revert%s%s%s%s", ns ? " --netns " : "",
		 ns ? text : "", *state ? " --state " : "", state);
	return command;
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

/* What lacks, of an address that we may not look at. */
static const char *needed_to_see(const char *address)
{
	return strchr(address, '/') && strncmp(address, "/proc/", 6)
		? "CAP_DAC_READ_SEARCH" : "CAP_SYS_PTRACE and CAP_SYS_ADMIN";
}

static int say_not_opened(const char *address, int err)
{
	char shown[4 * NETNS_ADDRESS_SIZE];

	plain_text__of(address, shown, sizeof(shown));
	if (changing__exit_code(err) == EXIT_NOT_PERMITTED) {
		log_error("not permitted: --netns %s needs %s (run it as root)", shown,
			  needed_to_see(address));
		return EXIT_NOT_PERMITTED;
	}
	if (reason__is_limit(err)) {
		log_error("--netns %s: %s", shown, reason__of(err));
		return EXIT_FAILED;
	}
	log_error("--netns: %s '%s'%s%s%s: expected a name of 'ip netns' (at most 63 letters, digits "
		  "and ._-), a process id, a path or inode:N,cookie:N",
		  err == -EINVAL ? "this addresses no network namespace:" : "there is no namespace",
		  shown, err == -EINVAL ? "" : " (", err == -EINVAL ? "" : strerror(-err),
		  err == -EINVAL ? "" : ")");
	tell_hosts(address);
	return EXIT_USAGE;
}

static int say_not_entered(const struct netns *ns, int err)
{
	char address[NETNS_ADDRESS_SIZE];

	changing__address(ns, address);
	if (err == -ENOENT) {
		log_error("namespace %s is gone", address);
		return EXIT_USAGE;
	}
	if (changing__exit_code(err) == EXIT_NOT_PERMITTED)
		log_error("not permitted: entering namespace %s needs CAP_SYS_ADMIN", address);
	else
		log_error("namespace %s: %s", address, reason__of(err));
	return changing__exit_code(err);
}

int changing__enter(const char *text, struct netns *ns, int *back)
{
	const char *address = text ? text : "/proc/self/ns/net";
	int fd = netns__open(address, ns);

	if (fd < 0)
		return say_not_opened(address, fd);
	*back = netns__enter_opened(fd, ns);
	close(fd);
	return *back < 0 ? say_not_entered(ns, *back) : EXIT_DONE;
}

int changing__enter_found(struct netns *ns, int *back)
{
	*back = netns__enter(ns);
	if (*back < 0)
		return say_not_entered(ns, *back);
	ns->cookie = netns__cookie();
	return EXIT_DONE;
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
