// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "sys/lockdown.h"
#include "sys/mounts.h"

enum lockdown lockdown__read(void)
{
	char path[300], mode[64] = "", mount[256];
	FILE *f;

	if (!mounts__find("securityfs", mount, sizeof(mount)))
		return LOCKDOWN_UNKNOWN;
	snprintf(path, sizeof(path), "%s/lockdown", mount);
	f = fopen(path, "re");
	if (!f)
		return LOCKDOWN_UNKNOWN;
	if (!fgets(mode, sizeof(mode), f))
		mode[0] = '\0';
	fclose(f);
	/* "none [integrity] confidentiality" */
	if (strstr(mode, "[none]"))
		return LOCKDOWN_NONE;
	if (strstr(mode, "[integrity]"))
		return LOCKDOWN_INTEGRITY;
	return strstr(mode, "[confidentiality]") ? LOCKDOWN_CONFIDENTIALITY : LOCKDOWN_UNKNOWN;
}
