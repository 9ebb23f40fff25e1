// SPDX-License-Identifier: GPL-2.0
/* halfopen revert: takes applied values back. */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act/applied.h"
#include "act/changing.h"
#include "act/guard.h"
#include "act/persistent.h"
#include "cmd/arguments.h"
#include "cmd/cmd.h"
#include "cmd/verbosity.h"
#include "file/reach.h"
#include "sys/capability.h"
#include "sys/log.h"
#include "sys/say.h"

struct options {
	const char *netns, *state;
	bool all;
	uint64_t guard, trial, answer;	/* the namespace, its trial's id, and a descriptor */
};

enum { OPT_NETNS = 256, OPT_STATE, OPT_ALL, OPT_GUARD, OPT_TRIAL, OPT_ANSWER };

static const struct argp_option argp_options[] = {
	{ "netns", OPT_NETNS, "ADDRESS", 0,
	  "this namespace instead of our own: NAME, PID, PATH or inode:N,cookie:N", 1 },
	{ "all", OPT_ALL, NULL, 0, "all namespaces in which something was applied", 1 },
	{ "state", OPT_STATE, "DIRECTORY", 0,
	  "where what was applied is kept (default " STATE_DIRECTORY ")", 2 },
	{ "guard", OPT_GUARD, "NUMBER", OPTION_HIDDEN, NULL, 2 },
	{ "trial", OPT_TRIAL, "NUMBER", OPTION_HIDDEN, NULL, 2 },
	{ "answer", OPT_ANSWER, "DESCRIPTOR", OPTION_HIDDEN, NULL, 2 },
	{ 0 },
};

static const char argp_doc[] =
	"Puts net.ipv4.tcp_keepalive_* back to what they were before 'halfopen apply', and removes "
	"what it wrote to " PERSISTENT_FILE ". A value that somebody else changed since is left "
	"alone, with a word. Ends a trial that is on, and interrupts --rearm. Sockets keep a "
	"timer that is armed already until it runs out.\vExamples:\n"
	"  halfopen revert\n"
	"  halfopen revert --netns pod-7\n"
	"  halfopen revert --all\n"
	"\n"
	"Exit codes: 0 done, or nothing was applied; 1 failed while running, 2 usage, 77 not "
	"permitted.\n";

#define AT(member) .offset = offsetof(struct options, member)

static const struct argument arguments[] = {
	{ OPT_NETNS, ARGUMENT_TEXT, AT(netns) },
	{ OPT_STATE, ARGUMENT_TEXT, AT(state) },
	{ OPT_ALL, ARGUMENT_FLAG, AT(all) },
	{ OPT_GUARD, ARGUMENT_NUMBER, AT(guard), 1, UINT32_MAX, "namespace's number" },
	{ OPT_TRIAL, ARGUMENT_NUMBER, AT(trial), 1, 0, "trial's number" },
	{ OPT_ANSWER, ARGUMENT_NUMBER, AT(answer), 3, 1023, "descriptor" },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		arguments__refuse(state, "'%s' was not expected: revert takes no arguments", arg);
		return 0;
	case ARGP_KEY_END:
		if (o->all && o->netns)
			arguments__refuse(state, "--all and --netns exclude each other");
		return 0;
	default:
		return argument__take(arguments, key, arg, state);
	}
}

static void tell(const struct applied *a, const enum taken_back *results, const int32_t *found)
{
	unsigned int i;

	for (i = 0; i < TUNABLES; i++)
		if (results[i] == TAKEN_BACK)
			say("%s: %d -> %d\n", tunable__name(i), found[i], a->before[i]);
		else if (results[i] == CHANGED_BY_OTHERS)
			say("%s: left at %d: somebody else changed it since (we wrote %d, before "
			    "us it was %d)\n",
			    tunable__name(i), found[i], a->after[i], a->before[i]);
}

/* The file that would write it again at the next boot. A container's is not the one that we see. */
static int remove_file(const char *directory, const struct applied *a)
{
	const struct tunable_values nothing = { .has = { false } };
	char file[APPLIED_FILE_SIZE];
	int err;

	if (!tunable_values__any(&a->persisting) && !tunable_values__any(&a->persisted))
		return 0;
	err = persistent__belongs_here();
	if (err == -EXDEV || err == -EREMOTE) {
		log_error(PERSISTENT_FILE " of this namespace is not the one that is seen from "
					  "here: 'halfopen revert' in there removes it; if it is "
					  "gone, remove %s/%s",
			  directory, applied__file(a->netns, file));
		return -ENOENT;
	}
	err = persistent__replace("", &a->persisted, &a->persisting, &nothing);
	if (err)
		log_error(PERSISTENT_FILE ": %s", persistent__reason(err));
	else
		say(PERSISTENT_FILE ": removed\n");
	return err;
}

/* The values are restored: a saved file that stays, as its directory is read-only by now, is
 * reported and harmless. */
static void forget(const char *directory, const struct applied *a)
{
	char file[APPLIED_FILE_SIZE];
	int err = applied__forget(directory, a->netns);

	if (err)
		log_warning("%s/%s stays there (%s): revert once more when it can be removed",
			    directory, applied__file(a->netns, file), strerror(-err));
}

/* In the namespace of this thread. */
static int take_back_here(const char *directory, const struct applied *a)
{
	enum taken_back results[TUNABLES];
	int32_t found[TUNABLES];
	int err = applied__take_back(a, results, found);

	if (err) {
		log_error("net.ipv4.tcp_keepalive_*: %s: what was saved is kept%s", strerror(-err),
			  changing__exit_code(err) == EXIT_NOT_PERMITTED
			  ? "; writing them needs CAP_NET_ADMIN" : "");
		return changing__exit_code(err);
	}
	tell(a, results, found);
	err = remove_file(directory, a);
	if (err && err != -EEXIST)
		return changing__exit_code(err);
	forget(directory, a);
	return err ? EXIT_FAILED : EXIT_DONE;
}

#define NAMESPACES_MAX 4096

/* Names other namespaces with applied values, in case one of those was meant. */
static void report_elsewhere(const char *directory)
{
	uint32_t keys[NAMESPACES_MAX];
	unsigned int count = applied__list(directory, keys, NAMESPACES_MAX), i;
	char command[CHANGING_COMMAND_SIZE], address[NETNS_ADDRESS_SIZE];

	for (i = 0; i < count; i++) {
		struct applied a;
		struct netns ns;

		if (applied__load(directory, keys[i], &a) || !a.netns)
			continue;
		if (applied__find(&a, &ns))
			say("applied in namespace inode:%u,cookie:%llu%s%s, which is not to be "
			    "seen from here\n", a.inode, (unsigned long long)a.cookie,
			    *a.name ? ", once " : "", a.name);
		else
			say("applied in namespace %s: '%s' takes it back\n",
			    changing__address(&ns, address),
			    changing__command("revert", &ns, directory, command));
	}
}

/* Removes the saved state of a namespace that had this inode before, and is gone. */
static void forget_former(const char *directory, const struct netns *ns)
{
	struct applied a;

	if (!applied__load(directory, ns->inode, &a) && a.netns && a.cookie &&
	    a.cookie != ns->cookie)
		applied__forget(directory, ns->inode);
}

/* Under the lock. `a` is what was applied. */
static int revert_locked(const char *directory, const struct netns *ns, struct applied *a)
{
	char file[APPLIED_FILE_SIZE];
	int err = applied__load_of(directory, ns, a);

	if (err) {
		log_error("%s/%s: %s", directory, applied__file(applied__key(), file),
			  err == -EBADMSG ? "expected what 'halfopen apply' writes: left as it is"
					  : strerror(-err));
		return changing__exit_code(err);
	}
	if (a->netns)
		return take_back_here(directory, a);
	say("nothing was applied here\n");
	forget_former(directory, ns);
	report_elsewhere(directory);
	return EXIT_DONE;
}

#define END_TRIES 50
#define END_TRY_US 100000

/* A process that still works on what was taken back notices within a second, and ends; a signal
 * saves that time, and reaches those that cannot read the saved state. */
static void end_work(const struct changing_lock *l, enum lock_work work, bool signalled,
		     const char *what)
{
	char text[CHANGING_HOLDER_SIZE];
	struct lock_holder holder;
	unsigned int tries;

	for (tries = 0; tries < END_TRIES; tries++) {
		if (!lock__find_holder(l->file, l->inode, work, &holder))
			return;
		if (signalled && holder.pid)
			kill(holder.pid, SIGTERM);
		usleep(END_TRY_US);
	}
	if (changing__holder(l, work, text))
		log_warning("%s, which %s, has not ended yet", text, what);
}

static void end_rearm(const struct changing_lock *l, bool applied)
{
	char text[CHANGING_HOLDER_SIZE];

	if (!changing__holder(l, LOCK_REARM, text))
		return;
	say("%s, which arms sockets anew, is interrupted\n", text);
	end_work(l, LOCK_REARM, !applied, "arms sockets anew");
}

static int revert_here(const char *directory, const struct netns *ns, const char *address)
{
	struct changing_lock lock;
	struct applied a = { 0 };
	int code = changing__open_lock(directory, ns->inode, true, &lock);

	if (!code)
		code = changing__lock(&lock, true);
	if (!code) {
		code = changing__check_address(directory, address, ns);
		code = code ? code : revert_locked(directory, ns, &a);
		changing__unlock(&lock);
	}
	if (!code && lock.file >= 0) {
		say_at_once();
		end_work(&lock, LOCK_GUARD, true, "waits for the end of a trial");
		end_rearm(&lock, a.netns);
	}
	changing__close_lock(&lock);
	return code;
}

static int revert_one(const char *directory, const char *address)
{
	struct netns ns;
	int back, code = changing__enter(directory, address, &ns, &back);

	if (code)
		return code;
	code = revert_here(directory, &ns, address);
	netns__leave(back);
	return code;
}

/* A namespace that may still live out of sight (its name in another mount namespace, held by a
 * descriptor) keeps its saved state. */
static int say_not_seen(const char *directory, const struct applied *a, int err)
{
	char file[APPLIED_FILE_SIZE];
	int code = changing__exit_code(err);

	if (code == EXIT_NOT_PERMITTED)
		log_error("not permitted: finding namespace inode:%u%s%s needs CAP_SYS_PTRACE",
			  a->inode, *a->name ? ", once " : "", a->name);
	else
		log_error("namespace inode:%u,cookie:%llu%s%s is not to be seen from here: what "
			  "was saved of it is kept; if it is gone, remove %s/%s", a->inode,
			  (unsigned long long)a->cookie, *a->name ? ", once " : "", a->name,
			  directory, applied__file(a->netns, file));
	return code;
}

static int revert_known(const char *directory, const struct applied *a)
{
	char address[NETNS_ADDRESS_SIZE];
	struct netns ns;
	int back = applied__enter(a, &ns), code;

	if (back == -ENOENT || back == -EACCES)
		return say_not_seen(directory, a, back);
	if (back == -ESTALE) {
		say("namespace inode:%u%s%s is gone, and what was applied there with it: another "
		    "one has its inode\n", a->inode, *a->name ? ", once " : "", a->name);
		return applied__forget(directory, a->netns) ? EXIT_FAILED : EXIT_DONE;
	}
	if (back < 0)
		return changing__say_not_entered(&ns, back);
	say("namespace %s\n", changing__address(&ns, address));
	code = revert_here(directory, &ns, NULL);
	netns__leave(back);
	return code;
}

static int revert_all(const char *directory)
{
	uint32_t keys[NAMESPACES_MAX];
	unsigned int count = applied__list(directory, keys, NAMESPACES_MAX), known = 0, i;
	int worst = EXIT_DONE;

	for (i = 0; i < count; i++) {
		struct applied a;
		int err = applied__load(directory, keys[i], &a), code;
		char file[APPLIED_FILE_SIZE];

		if (!err && !a.netns) {	/* of an earlier boot, which reset the values */
			applied__forget(directory, keys[i]);
			continue;
		}
		known++;
		if (err)
			log_error("%s/%s: %s: left as it is", directory,
				  applied__file(keys[i], file), err == -EBADMSG
				  ? "expected what 'halfopen apply' writes" : strerror(-err));
		code = err ? EXIT_FAILED : revert_known(directory, &a);
		worst = code > worst ? code : worst;
	}
	if (!known)
		say("nothing was applied\n");
	return worst;
}

/* A guard enters its namespace, writes three sysctls and two files, and nothing else. */
static void drop_privileges_of_guard(const char *directory)
{
	uint64_t keep = CAPABILITY_BIT(CAPABILITY_NET_ADMIN) |
			CAPABILITY_BIT(CAPABILITY_SYS_ADMIN) |
			CAPABILITY_BIT(CAPABILITY_SYS_PTRACE);

	if (!reach__directory(directory))
		keep |= CAPABILITY_BIT(CAPABILITY_DAC_OVERRIDE);
	capability__keep_only(keep);
}

int cmd_revert(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse, NULL, argp_doc, verbosity, NULL, NULL
	};
	struct options options = { .state = STATE_DIRECTORY };
	char state[PATH_MAX];
	int code;

	arguments__parse(&argp, argc, argv, &options);
	if (options.guard) {
		drop_privileges_of_guard(options.state);
		return guard__run(&(struct guard_task){
			.directory = options.state, .netns = options.guard, .id = options.trial,
			.answer = options.answer ? (int)options.answer : -1 });
	}
	code = changing__take_state(&options.state, state);
	if (code)
		return code;
	return options.all ? revert_all(options.state) : revert_one(options.state, options.netns);
}
