/* SPDX-License-Identifier: GPL-2.0 */
/* A program's name as it is shown. */
#ifndef HALFOPEN_VALUE_PROGRAM_NAME_H
#define HALFOPEN_VALUE_PROGRAM_NAME_H

/* An empty one (prctl(2), PR_SET_NAME) is '', which is seen; "-" stands for no known program. */
static inline const char *program_name__shown(const char *comm)
{
	return *comm ? comm : "''";
}

#endif
