/* SPDX-License-Identifier: GPL-2.0 */
/* Words for people on standard output, of verbs that do something: what is going to be done, a
 * question, what was done. */
#ifndef HALFOPEN_SYS_SAY_H
#define HALFOPEN_SYS_SAY_H

/* As printf(3); strings that go into `format`, which is ours, come out plain (plain_text.h). */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What was said so far is written now. */
void say_at_once(void);

/* The errno of the first of it that could not be written; 0: all was. */
int say_failure(void);

#endif
