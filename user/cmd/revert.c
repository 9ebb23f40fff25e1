// SPDX-License-Identifier: GPL-2.0
/* halfopen revert: what was applied is taken back. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "applied.h"
#include "changing.h"
#include "cmd.h"
#include "guard.h"
#include "log.h"
#include "quantity.h"
#include "verbosity.h"

struct options {
	const char *netns, *state;
	bool all;
	uint64_t guard, until;	/* of a trial */
};

enum { OPT_NETNS = 256, OPT_STATE, OPT_ALL, OPT_GUARD, OPT_UNTIL };

static const struct argp_option argp_options[] = {
	{ "netns", OPT_NETNS, "NAME|PID|PATH", 0, "this namespace instead of our own", 1 },
	{ "all", OPT_ALL, NULL, 0, "all namespaces in which something was applied", 1 },
	{ "state", OPT_STATE, "DIRECTORY", 0,
	  "where what was applied is kept (default " STATE_DIRECTORY ")", 2 },
	{ "guard", OPT_GUARD, "INODE", OPTION_HIDDEN, NULL, 2 },
	{ "until", OPT_UNTIL, "SECONDS", OPTION_HIDDEN, NULL, 2 },
	{ 0 },
};

static const char argp_doc[] =
	"Puts net.ipv4.tcp_keepalive_* back to what they were before 'halfopen apply', and removes "
	"what it wrote to " PERSISTENT_FILE ". A value that somebody else changed since is left "
	"alone, with a word. Sockets keep a timer that is armed already until it runs out.\v"
	"Examples:\n"
	"  halfopen revert\n"
	"  halfopen revert --netns pod-7\n"
	"  halfopen revert --all\n"
	"\n"
	"Exit codes: 0 done, or nothing was applied; 1 failed while running, 2 usage, 77 not "
	"permitted.\n";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_NETNS:
		o->netns = arg;
		break;
	case OPT_STATE:
		o->state = arg;
		break;
	case OPT_ALL:
		o->all = true;
		break;
	case OPT_GUARD:
		if (!quantity__number(arg, 1, UINT32_MAX, &o->guard))
			argp_error(state, "--guard: '%s' is no inode", arg);
		break;
	case OPT_UNTIL:
		if (!quantity__number(arg, 0, INT64_MAX, &o->until))
			argp_error(state, "--until: '%s' is no time", arg);
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' was not expected: revert takes no arguments", arg);
		break;
	case ARGP_KEY_END:
		if (o->all && o->netns)
			argp_error(state, "--all and --netns exclude each other");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static void tell(const struct applied *a, const enum taken_back *results, const uint32_t *found)
{
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		switch (results[i]) {
		case TAKEN_BACK:
			printf("%s: %u -> %u\n", tunable__name(i), found[i], a->before[i]);
			break;
		case WAS_BACK:
			break;
		case CHANGED_BY_OTHERS:
			printf("%s: left at %u: somebody else changed it since (we wrote %u)\n",
			       tunable__name(i), found[i], a->after[i]);
			break;
		}
}

/* In the namespace that this thread is in. */
static int take_back_here(const char *directory, const struct applied *a)
{
	enum taken_back results[TUNABLES];
	uint32_t found[TUNABLES];
	int err = applied__take_back(a, results, found);

	if (err) {
		log_error("net.ipv4.tcp_keepalive_*: %s: what was saved is kept", strerror(-err));
		return changing__exit_code(err);
	}
	tell(a, results, found);
	if (a->persisted && (err = applied__persist("", NULL)))
		log_error("%s: %s", PERSISTENT_FILE, strerror(-err));
	else if (a->persisted)
		printf("%s: removed\n", PERSISTENT_FILE);
	if (!err && (err = applied__forget(directory, a->netns)))
		log_error("%s: %s", directory, strerror(-err));
	return err ? EXIT_FAILED : EXIT_DONE;
}

static int revert_one(const char *directory, const struct netns *ns)
{
	struct applied a;
	int err = applied__load(directory, ns->inode, &a), back, code;

	if (err) {
		log_error("%s/applied-%u: %s", directory, ns->inode,
			  err == -EBADMSG ? "expected what 'halfopen apply' writes: left as it is"
					  : strerror(-err));
		return EXIT_FAILED;
	}
	back = netns__enter(ns);
	if (back < 0)
		return changing__cannot_enter(ns, back);
	if (!a.netns || (a.cookie && a.cookie != netns__cookie())) {
		printf("nothing was applied here\n");
		if (a.netns)	/* in one that had this inode, and is gone */
			applied__forget(directory, ns->inode);
		code = EXIT_DONE;
	} else {
		code = take_back_here(directory, &a);
	}
	netns__leave(back);
	return code;
}

#define NAMESPACES_MAX 4096

static int revert_all(const char *directory)
{
	uint32_t inodes[NAMESPACES_MAX];
	unsigned int count = applied__list(directory, inodes, NAMESPACES_MAX), i;
	int worst = EXIT_DONE;

	if (!count)
		printf("nothing was applied\n");
	for (i = 0; i < count; i++) {
		struct netns ns;
		int code;

		if (netns__with_inode(inodes[i], &ns)) {
			printf("namespace %u is gone, and what was applied there with it\n",
			       inodes[i]);
			applied__forget(directory, inodes[i]);
			continue;
		}
		printf("namespace %s\n", *ns.name ? ns.name : ns.path);
		code = revert_one(directory, &ns);
		worst = code > worst ? code : worst;
	}
	return worst;
}

int cmd_revert(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, NULL, argp_doc, verbosity, NULL, NULL
	};
	struct options options = { .state = STATE_DIRECTORY };
	struct netns ns;
	int lock, code;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (options.guard)
		return guard__run(options.state, options.guard, options.until);
	code = changing__lock(options.state, &lock);
	if (code)
		return code;
	if (options.all)
		code = revert_all(options.state);
	else if (!(code = changing__find_netns(options.netns, &ns)))
		code = revert_one(options.state, &ns);
	close(lock);
	return code;
}
