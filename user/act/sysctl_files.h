/* SPDX-License-Identifier: GPL-2.0 */
/* Which file of sysctl.d(5) sets a value at boot. */
#ifndef HALFOPEN_ACT_SYSCTL_FILES_H
#define HALFOPEN_ACT_SYSCTL_FILES_H

#include <stdbool.h>

struct sysctl_setting {
	char file[256];
	unsigned int line;
	char value[64];
};

/*
 * The setting of `key` ("net.ipv4.tcp_keepalive_time") that wins: files in the order of their
 * names whatever their directory, one in /etc hiding one of the same name in /run, that one in
 * /usr/local/lib, /usr/lib and /lib; /etc/sysctl.conf last, as procps reads it. `root` stands
 * before every path ("" on a running host).
 */
bool sysctl_files__find(const char *root, const char *key, struct sysctl_setting *setting);

#endif
