/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of each vocabulary of timeline.h, in one table each: those of JSON (docs/schema), by
 * which values are written and read, and those for people where they differ. A number without a
 * word is "".
 */
#ifndef HALFOPEN_TIMELINE_NAMES_H
#define HALFOPEN_TIMELINE_NAMES_H

#include "socket_now.h"
#include "timeline.h"

const char *outcome__name(enum outcome o);
const char *found_by__name(enum found_by f);	/* "" for FOUND_BY_NOTHING */
const char *ending_detail__name(enum ending_detail d);
const char *event_kind__name(enum event_kind k);
const char *event_kind__words(enum event_kind k);
const char *send_failure__name(enum send_failure f);
const char *send_failure__words(enum send_failure f);
const char *episode_kind__name(enum episode_kind k);
const char *episode_end__name(enum episode_end e);
const char *option_source__name(enum option_source s);
const char *loss_reason__name(enum loss_reason r);
const char *socket_fault__name(enum socket_fault f);
const char *no_owner__name(enum no_owner n);	/* "" for HAS_OWNER */
const char *loss_reason__words(enum loss_reason r);

/* ECONNRESET; or its number where the C library has no name for it, in `number`. */
#define ERRNO_NUMBER_SIZE 16
const char *errno__name(int error, char number[ERRNO_NUMBER_SIZE]);
int errno__named(const char *name);	/* 0 for "" */

/* By its name in JSON; false for another word, "" among them. */
bool outcome__named(const char *name, enum outcome *o);
bool found_by__named(const char *name, enum found_by *f);
bool ending_detail__named(const char *name, enum ending_detail *d);
bool event_kind__named(const char *name, enum event_kind *k);
bool send_failure__named(const char *name, enum send_failure *f);
bool episode_kind__named(const char *name, enum episode_kind *k);
bool episode_end__named(const char *name, enum episode_end *e);
bool option_source__named(const char *name, enum option_source *s);
bool loss_reason__named(const char *name, enum loss_reason *r);

#endif
