// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "applied.h"
#include "changing.h"
#include "cmd.h"
#include "log.h"
#include "reason.h"

/* The end of a trial takes a moment; somebody who is asked whether to apply takes longer. */
#define LOCK_TRIES 20
#define LOCK_TRY_US 100000

int changing__exit_code(int err)
{
	return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

int changing__find_netns(const char *text, struct netns *ns)
{
	int err = netns__find(text ? text : "/proc/self/ns/net", ns);

	if (!err)
		return EXIT_DONE;
	if (changing__exit_code(err) == EXIT_NOT_PERMITTED) {
		log_error("not permitted: --netns %s needs CAP_SYS_PTRACE, to see a process of "
			  "another user", text);
		return EXIT_NOT_PERMITTED;
	}
	log_error("--netns: there is no namespace '%s' (%s): expected a name of 'ip netns', a "
		  "process id or a path", text, strerror(-err));
	return EXIT_USAGE;
}

int changing__cannot_enter(const struct netns *ns, int err)
{
	if (changing__exit_code(err) == EXIT_NOT_PERMITTED)
		log_error("not permitted: entering namespace %s needs CAP_SYS_ADMIN", ns->path);
	else
		log_error("namespace %s: %s", ns->path, reason__of(err));
	return changing__exit_code(err);
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
