// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream/private_record.h"
#include "stream/record.h"
#include "stream/recorder.h"
#include "stream/recording.h"
#include "sys/log.h"

#define BUFFER_SIZE (1 << 18)
/* After a failure to change files the next try is so much later. */
#define RETRY_NS 60000000000ULL

static void begin_file(struct recorder *r)
{
	struct recording_header header;

	recording__fill_header(&header);
	memcpy(r->buffer, &header, sizeof(header));
	r->used = sizeof(header);
	r->begun_ns = 0;
}

int recorder__open(struct recorder *r, const struct recorder_config *config)
{
	int err;

	*r = (struct recorder){ .config = *config,
				.buffer = malloc(BUFFER_SIZE + RECORD_SIZE_MAX) };
	if (!r->buffer)
		return -ENOMEM;
	err = output__open(&r->output, r->config.path);
	if (!err) {
		begin_file(r);
		return 0;
	}
	free(r->buffer);
	r->buffer = NULL;
	return err;
}

bool recorder__is_due(const struct recorder *r, uint64_t now_ns)
{
	const struct recorder_config *c = &r->config;

	if (!r->output.is_file || !r->begun_ns)
		return false;
	if (r->is_next_open)
		return true;
	if (now_ns < r->retry_ns)
		return false;
	return (c->max_bytes && r->output.written + r->used >= c->max_bytes / 2) ||
	       (c->max_age_ns && now_ns - r->begun_ns >= c->max_age_ns / 2);
}

/* today.ho.zst -> today.old.ho.zst */
static char *name_of_old(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *dot = strchr(*name ? name + 1 : name, '.');
	char *old;

	if (!dot)
		dot = path + strlen(path);
	return asprintf(&old, "%.*s.old%s", (int)(dot - path), path, dot) < 0 ? NULL : old;
}

/* A file that is complete by itself ends as a recording does. */
static int end_file(struct recorder *r)
{
	struct record stop = { .type = RECORD_STOP, .mono_ns = r->last_ns };
	int err;

	r->used += record__encode(&stop, r->buffer + r->used);
	err = recorder__flush(r);
	return err ? err : output__close(&r->output);
}

static int stop_at_first(void *context, const void *bytes, size_t size)
{
	(void)context;
	(void)bytes;
	(void)size;
	return -ECANCELED;
}

const char *recorder__refused_old(const char *path)
{
	struct recording_problem problem;
	const char *refused = NULL;
	struct stat st;
	int fd, err;

	if (lstat(path, &st))
		return errno == ENOENT ? NULL : strerror(errno);
	if (S_ISDIR(st.st_mode))
		return "is a directory";
	if (stat(path, &st))	/* a link to nothing */
		return NULL;
	if (!S_ISREG(st.st_mode))
		return "is no regular file";
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	err = st.st_size ? recording__read(fd, -1, stop_at_first, NULL, &problem) : 0;
	if (err == -EBADMSG)
		refused = "is no recording";
	close(fd);
	return refused;
}

/* Warned of once, until it works again. */
static void warn_once(struct recorder *r, const char *file, const char *why)
{
	if (!r->retry_ns)
		log_error("%s: %s; the recording goes on in one file, whatever its bounds are",
			  file,
			  why);
}

static bool open_next(struct recorder *r)
{
	int err = output__open(&r->next, r->config.path);

	r->is_next_open = !err;
	if (err)
		warn_once(r, r->config.path, r->next.refused ? r->next.refused : strerror(-err));
	return !err;
}

/* The older half is renamed. */
static bool make_room(struct recorder *r, const char *old)
{
	const char *refused = recorder__refused_old(old);

	if (refused || rename(r->config.path, old)) {
		warn_once(r, old, refused ? refused : strerror(errno));
		return false;
	}
	if (open_next(r))
		return true;
	(void)!rename(old, r->config.path);
	return false;
}

/* Is there another file to continue in? */
static bool prepare_next(struct recorder *r)
{
	struct stat st;
	bool done;
	char *old;

	if (r->is_next_open)
		return true;
	if (output__was_moved(&r->output)) {
		if (lstat(r->config.path, &st) || !st.st_size)
			return open_next(r);
		warn_once(r, r->config.path, "was moved, and what is there now is not ours");
		return false;
	}
	old = name_of_old(r->config.path);
	done = old && make_room(r, old);
	free(old);
	return done;
}

int recorder__reopen(struct recorder *r)
{
	int err;

	/* renamed again before it has begun: it must be complete where it is */
	if (r->is_next_open)
		r->reopen_again |= output__was_moved(&r->next);
	if (r->is_next_open || !output__was_moved(&r->output))
		return 0;
	err = output__open(&r->next, r->config.path);
	r->is_next_open = !err;
	return err;
}

/* A file that somebody else renamed stays there. Without another file, the former one is
 * continued. */
static int change_files(struct recorder *r, uint64_t now_ns)
{
	int ending = r->output.ending, err;

	if (!prepare_next(r)) {
		r->retry_ns = now_ns + RETRY_NS;
		return 0;
	}
	err = end_file(r);
	if (err) {
		r->output.error = r->output.error ? r->output.error : -err;
		return err;
	}
	r->retry_ns = 0;
	r->output = r->next;
	r->output.ending = ending;
	r->is_next_open = false;
	begin_file(r);
	if (r->reopen_again)
		recorder__reopen(r);
	r->reopen_again = false;
	return 0;
}

char *recorder__old_name(const struct recorder_config *config)
{
	return config->max_bytes || config->max_age_ns ? name_of_old(config->path) : NULL;
}

/* Each half holds the description, and as much again of events. */
#define DESCRIPTIONS_HELD 4

int recorder__bytes_needed(struct recorder *r, uint64_t *needed)
{
	int err = r->config.max_bytes ? recorder__flush(r) : 0;

	*needed = 0;
	if (r->retry_ns)	/* it holds more than one description */
		return err;
	if (!err && r->config.max_bytes)
		err = output__settle_now(&r->output);
	if (!err && r->config.max_bytes &&
	    DESCRIPTIONS_HELD * r->output.written > r->config.max_bytes)
		*needed = DESCRIPTIONS_HELD * r->output.written;
	return err;
}

int recorder__add(struct recorder *r, const struct record *record)
{
	struct record shown = *record;

	if (record->type == RECORD_META && recorder__is_due(r, record->mono_ns)) {
		int err = change_files(r, record->mono_ns);

		if (err)
			return err;
	}
	r->last_ns = record->mono_ns;
	if (!r->begun_ns)
		r->begun_ns = record->mono_ns;
	privacy__record(r->config.privacy, &shown);
	r->used += record__encode(&shown, r->buffer + r->used);
	return r->used >= BUFFER_SIZE ? recorder__flush(r) : 0;
}

int recorder__flush(struct recorder *r)
{
	int err = r->used ? output__write(&r->output, r->buffer, r->used) : 0;

	r->used = 0;
	return err ? err : output__settle(&r->output);
}

int recorder__close(struct recorder *r)
{
	int err = output__close(&r->output);

	if (r->is_next_open)
		output__close(&r->next);
	free(r->buffer);
	*r = (struct recorder){ 0 };
	return err;
}
