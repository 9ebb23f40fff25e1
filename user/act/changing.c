// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act/applied.h"
#include "act/changing.h"
#include "file/exit_code.h"
#include "file/private_file.h"
#include "sys/log.h"
#include "sys/reason.h"
#include "sys/say.h"
#include "value/plain_text.h"

/* A holder of the lock waits for nothing but a trial's guard, half a minute at most. */
#define LOCK_TRIES 350
#define LOCK_TRIES_SILENT 5
#define LOCK_TRY_US 100000

int changing__exit_code(int err)
{
	if (err == -EXDEV || err == -EREMOTE)	/* of persistent__belongs_here() */
		return EXIT_USAGE;
	return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

const char *changing__address(const struct netns *ns, char address[NETNS_ADDRESS_SIZE])
{
	char plain[NETNS_ADDRESS_SIZE];

	return plain_text__quoted(netns__address(ns, plain), address, NETNS_ADDRESS_SIZE);
}

const char *changing__command(const char *verb, const struct netns *ns, const char *directory,
			      char command[CHANGING_COMMAND_SIZE])
{
	char text[NETNS_ADDRESS_SIZE], state[512];

	changing__address(ns, text);
	if (strcmp(directory, STATE_DIRECTORY))
		plain_text__quoted(directory, state, sizeof(state));
	else
		*state = '\0';
	snprintf(command, CHANGING_COMMAND_SIZE, "halfopen %s --netns %s%s%s", verb, text,
		 *state ? " --state " : "", state);
	return command;
}

/* The host name was chosen in there, by anybody: it identifies nothing. */
static void report_address_of_host(struct netns *ns, const char *host_name)
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

static void report_hosts(const char *host_name)
{
	struct netns_list list = { 0 };
	unsigned int i;

	if (*host_name && !netns__list(&list))
		for (i = 0; i < list.count; i++)
			if (!strcmp(list.all[i].host_name, host_name))
				report_address_of_host(&list.all[i], host_name);
	netns__free(&list);
}

/* The capabilities that are missing to look at this address. */
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
	log_error("--netns: %s '%s'%s%s%s: expected a name of 'ip netns' (at most 63 letters, "
		  "digits and ._-), a process id, a path or inode:N,cookie:N",
		  err == -EINVAL ? "this addresses no network namespace:" : "there is no namespace",
		  shown, err == -EINVAL ? "" : " (", err == -EINVAL ? "" : strerror(-err),
		  err == -EINVAL ? "" : ")");
	report_hosts(address);
	return EXIT_USAGE;
}

int changing__say_not_entered(const struct netns *ns, int err)
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

int changing__enter(const char *directory, const char *text, struct netns *ns, int *back)
{
	const char *address = text ? text : "/proc/self/ns/net";
	int fd = applied__open(directory, address, ns);

	if (fd < 0)
		return say_not_opened(address, fd);
	*back = netns__enter_opened(fd, ns);
	close(fd);
	return *back < 0 ? changing__say_not_entered(ns, *back) : EXIT_DONE;
}

int changing__check_address(const char *directory, const char *text, const struct netns *ns)
{
	struct netns now;
	int fd, back, code = EXIT_DONE;

	if (!text)
		return EXIT_DONE;
	fd = applied__open(directory, text, &now);
	back = fd < 0 ? fd : netns__enter_opened(fd, &now);
	if (fd >= 0)
		close(fd);
	if (back < 0 || now.inode != ns->inode || now.cookie != ns->cookie) {
		log_error("--netns %s is not the namespace any more that it was: nothing is "
			  "changed", text);
		code = EXIT_FAILED;
	}
	if (back >= 0)
		netns__leave(back);
	return code;
}

/* ---- one at a time ---- */

int changing__open_lock(const char *directory, uint32_t inode, bool must, struct changing_lock *l)
{
	int err;

	/* where nothing was ever saved there is nothing to revert, and no directory is made */
	*l = (struct changing_lock){ .file = must ? lock__open(directory) : lock__make(directory),
				     .inode = inode };
	if (l->file >= 0)
		return EXIT_DONE;
	err = l->file;
	if (must && (err == -EROFS || err == -ENOENT || err == -ENOSPC || err == -EDQUOT))
		return EXIT_DONE;
	log_error("%s: %s%s", directory, reason__of(err),
		  changing__exit_code(err) == EXIT_NOT_PERMITTED
		  ? ": run it as root, or name a directory of yours by --state" : "");
	return changing__exit_code(err);
}

void changing__close_lock(struct changing_lock *l)
{
	if (l->file >= 0)
		close(l->file);
	l->file = -1;
}

bool changing__holder(const struct changing_lock *l, enum lock_work work,
		      char text[CHANGING_HOLDER_SIZE])
{
	struct lock_holder holder;
	char comm[4 * sizeof(holder.comm) + 1];

	if (!lock__find_holder(l->file, l->inode, work, &holder))
		return false;
	if (holder.pid)
		snprintf(text, CHANGING_HOLDER_SIZE, "pid %d (%s, since %s)", holder.pid,
			 plain_text__of(holder.comm, comm, sizeof(comm)), holder.since);
	else
		snprintf(text, CHANGING_HOLDER_SIZE, "a process that cannot be seen from here");
	return true;
}

static int hold_output(struct changing_lock *l)
{
	FILE *out = open_memstream(&l->out, &l->out_size);
	FILE *err = open_memstream(&l->err, &l->err_size);

	say_at_once();
	if (!out || !err) {
		if (out)
			fclose(out);
		if (err)
			fclose(err);
		free(l->out);
		free(l->err);
		l->out = l->err = NULL;
		return -ENOMEM;
	}
	l->held_out = stdout;
	l->held_err = stderr;
	stdout = out;
	stderr = err;
	return 0;
}

static void release(FILE **stream, FILE **held, char **text, size_t *size)
{
	fclose(*stream);
	*stream = *held;
	*held = NULL;
	fwrite(*text, 1, *size, *stream);
	free(*text);
	*text = NULL;
}

static void release_output(struct changing_lock *l)
{
	release(&stderr, &l->held_err, &l->err, &l->err_size);
	release(&stdout, &l->held_out, &l->out, &l->out_size);
}

static void report_holder(const struct changing_lock *l, const char *before, const char *after)
{
	char holder[CHANGING_HOLDER_SIZE];

	if (changing__holder(l, LOCK_CHANGE, holder))
		log_warning("%s%s%s", before, holder, after);
}

int changing__lock(struct changing_lock *l, bool must)
{
	unsigned int tries;
	int err = l->file < 0 ? 0 : -EWOULDBLOCK;

	for (tries = 0; err && tries < LOCK_TRIES; tries++) {
		err = lock__try(l->file, l->inode, LOCK_CHANGE);
		if (err != -EWOULDBLOCK)
			break;
		if (tries == LOCK_TRIES_SILENT)
			report_holder(l, "waiting for ", ", which changes this namespace");
		usleep(LOCK_TRY_US);
	}
	if (err == -EWOULDBLOCK && must) {
		report_holder(l, "", " stands still: this does not wait any longer");
		err = 0;
	}
	if (!err) {
		err = hold_output(l);
		if (!err)
			return EXIT_DONE;
		if (l->file >= 0)
			lock__release(l->file, l->inode, LOCK_CHANGE);
	}
	if (err == -EWOULDBLOCK)
		report_holder(l, "",
			      " changes this namespace, and stands still; nothing is changed");
	else
		log_error("the lock in the state directory: %s; nothing is changed",
			  reason__of(err));
	return changing__exit_code(err);
}

void changing__unlock(struct changing_lock *l)
{
	if (l->file >= 0)
		lock__release(l->file, l->inode, LOCK_CHANGE);
	release_output(l);
}

static int check_state(const char *directory)
{
	/* made by root alone, whatever its owner looks like in a user namespace */
	const char *refused = strcmp(directory, STATE_DIRECTORY)
				      ? private_directory__refused(directory) : NULL;

	if (!refused)
		return EXIT_DONE;
	log_error("--state: %s %s: expected a directory of our own, that nobody else may write to",
		  directory, refused);
	return EXIT_USAGE;
}

int changing__take_state(const char **directory, char path[PATH_MAX])
{
	char here[PATH_MAX];

	if (!**directory) {
		log_error("--state '': expected a directory");
		return EXIT_USAGE;
	}
	if (**directory != '/') {
		if (!getcwd(here, sizeof(here))) {
			log_error("--state %s: where we are has no path: %s", *directory,
				  strerror(errno));
			return EXIT_USAGE;
		}
		/* a path that does not fit is too long, anyway */
		snprintf(path, PATH_MAX, "%.2000s/%.2000s", here, *directory);
		*directory = path;
	}
	if (strlen(*directory) <= CHANGING_STATE_MAX)
		return check_state(*directory);
	log_error("--state: the path has %zu bytes from the root on; expected at most %d",
		  strlen(*directory), CHANGING_STATE_MAX);
	return EXIT_USAGE;
}
