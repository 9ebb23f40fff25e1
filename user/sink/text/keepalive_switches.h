/* SPDX-License-Identifier: GPL-2.0 */
/* How programs switch SO_KEEPALIVE on, as their own documentation says. */
#ifndef HALFOPEN_SINK_TEXT_KEEPALIVE_SWITCHES_H
#define HALFOPEN_SINK_TEXT_KEEPALIVE_SWITCHES_H

/* For the program with this name (as the kernel cuts it, 15 bytes); NULL where it is not known. */
const char *keepalive_switch__of(const char *program);

/* For a program that is not known. */
#define KEEPALIVE_SWITCH_ANY \
	"setsockopt(SO_KEEPALIVE) on the listening socket, from which accepted ones inherit it"

#endif
