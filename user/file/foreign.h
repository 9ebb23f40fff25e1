/* SPDX-License-Identifier: GPL-2.0 */
/* Names the kind of a file that is not the expected one, by its first bytes. */
#ifndef HALFOPEN_FILE_FOREIGN_H
#define HALFOPEN_FILE_FOREIGN_H

#include <stddef.h>

/* So many bytes of the beginning tell all there is to tell. */
#define FOREIGN_HEAD_SIZE 64

/* "these are timelines: 'halfopen advise' reads them"; NULL where nothing is known of it. `size` is
 * 0 of what is empty. */
const char *foreign__words(const void *head, size_t size);

#endif
