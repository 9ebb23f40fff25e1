/* SPDX-License-Identifier: GPL-2.0 */
/* Messages of verbs on standard output: what is going to be done, a question, what was done. */
#ifndef HALFOPEN_SYS_SAY_H
#define HALFOPEN_SYS_SAY_H

/* As printf(3); string arguments to `format`, which is ours, are made safe to print
 * (plain_text.h). */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for sentences: on a terminal their lines break between words. */
void say_wrapped(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Flushes standard output. */
void say_at_once(void);

/* The errno of the first message that could not be written; 0: none. */
int say_failure(void);

#endif
