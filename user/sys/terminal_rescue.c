// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "sys/capability.h"
#include "sys/terminal_rescue.h"

/* More messages than that are not kept. */
#define MESSAGES_MAX (1 << 20)

/* A signal handler has no other way to know it. */
static struct {
	struct rescue_config config;
	struct termios modes; /* the terminal's, before us */
	volatile bool *used;  /* shared with the waiting process */
	int alive;	      /* pipe to that one: closed by our death */
	pid_t waiting;
	int messages;	    /* a file in memory; -1: standard error is no terminal */
	int standard_error; /* the former one */
	off_t read;	    /* of the messages, by take_message() */
} rescue;

/* ---- what a handler may call, too ---- */

static void write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		bytes += n;
		size -= n;
	}
}

static void tell_messages(void)
{
	char piece[4096];
	off_t at = 0;
	ssize_t n;

	while (rescue.messages >= 0 && (n = pread(rescue.messages, piece, sizeof(piece), at)) > 0) {
		write_all(rescue.standard_error, piece, n);
		at += n;
	}
}

void terminal_rescue__give_back(void)
{
	if (!*rescue.used)
		return;
	*rescue.used = false;
	write_all(rescue.config.out, rescue.config.sequence, rescue.config.length);
	tcsetattr(rescue.config.in, TCSANOW, &rescue.modes);
}

/* The handler is gone when it begins (SA_RESETHAND): the signal ends us, as without it. */
static void on_crash(int number)
{
	terminal_rescue__give_back();
	tell_messages();
	raise(number);
}

/* ---- crashes ---- */

static void handle_crashes(void)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGSYS };
	static char stack[65536]; /* where the other one overflowed */
	struct sigaction action = { .sa_handler = on_crash,
				    .sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK };
	stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	unsigned int i;

	sigaltstack(&alternative, NULL);
	for (i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &action, NULL);
}

/* ---- a process that waits for our death ---- */

/* All that we inherited but these. */
static void close_others(int alive)
{
	int keep[] = { alive, rescue.config.in, rescue.config.out, rescue.messages,
		       rescue.standard_error };
	int fd, last = 0;
	unsigned int i;

	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
		last = keep[i] > last ? keep[i] : last;
	for (fd = 0; fd <= last; fd++) {
		bool kept = false;

		for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++)
			kept |= fd == keep[i];
		if (!kept)
			close(fd);
	}
	syscall(SYS_close_range, last + 1, ~0U, 0);
}

/* In a process group of its own, out of reach of the keys of the terminal and of a signal to the
 * shell's job, and under another name. It writes to the terminal from the background. */
static _Noreturn void wait_for_death(int alive)
{
	sigset_t all;
	char byte;
	ssize_t n;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setpgid(0, 0);
	prctl(PR_SET_NAME, "terminal-rescue");
	close_others(alive);
	capability__keep_only(0);
	do {
		n = read(alive, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (!n) {
		terminal_rescue__give_back();
		tell_messages();
	}
	_exit(0);
}

static int start_waiting(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	rescue.alive = ends[1];
	rescue.waiting = fork();
	if (!rescue.waiting) {
		close(ends[1]);
		wait_for_death(ends[0]);
	}
	close(ends[0]);
	if (rescue.waiting > 0)
		return 0;
	close(ends[1]);
	return -errno;
}

/* ---- messages ---- */

static void keep_messages(void)
{
	rescue.messages = -1;
	if (!isatty(STDERR_FILENO))
		return;
	rescue.messages = memfd_create("messages", MFD_CLOEXEC);
	if (rescue.messages < 0)
		return;
	fcntl(rescue.messages, F_SETFL, O_APPEND);
	rescue.standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	fflush(stderr);
	dup2(rescue.messages, STDERR_FILENO);
}

/* The last line that is complete. */
static void cut_line(char *text, char *line, size_t size)
{
	char *end = strrchr(text, '\n'), *begin;

	line[0] = '\0';
	if (!end)
		return;
	*end = '\0';
	begin = strrchr(text, '\n');
	snprintf(line, size, "%s", begin ? begin + 1 : text);
}

void terminal_rescue__take_message(char *line, size_t size)
{
	char text[4096];
	off_t end = rescue.messages < 0 ? 0 : lseek(rescue.messages, 0, SEEK_END);
	off_t begin = end > (off_t)sizeof(text) - 1 ? end - (off_t)sizeof(text) + 1 : 0;
	ssize_t n;

	line[0] = '\0';
	if (end <= rescue.read)
		return;
	n = pread(rescue.messages, text, sizeof(text) - 1,
		  begin < rescue.read ? rescue.read : begin);
	if (n <= 0)
		return;
	text[n] = '\0';
	cut_line(text, line, size);
	rescue.read = end;
	if (end > MESSAGES_MAX && !ftruncate(rescue.messages, 0))
		rescue.read = 0;
}

/* ---- the whole ---- */

int terminal_rescue__begin(const struct rescue_config *config)
{
	int err;

	rescue.config = *config;
	if (tcgetattr(config->in, &rescue.modes))
		return -errno;
	rescue.used = mmap(NULL, sizeof(*rescue.used), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rescue.used == MAP_FAILED)
		return -errno;
	keep_messages();
	err = start_waiting();
	if (err)
		terminal_rescue__end();
	else
		handle_crashes();
	return err;
}

void terminal_rescue__take(void)
{
	*rescue.used = true;
}

void terminal_rescue__end(void)
{
	terminal_rescue__give_back();
	if (rescue.waiting > 0) {
		write_all(rescue.alive, "", 1);
		close(rescue.alive);
		waitpid(rescue.waiting, NULL, 0);
	}
	rescue.waiting = 0;
	fflush(stderr);
	tell_messages();
	if (rescue.messages < 0)
		return;
	dup2(rescue.standard_error, STDERR_FILENO);
	close(rescue.standard_error);
	close(rescue.messages);
	rescue.messages = -1;
}
