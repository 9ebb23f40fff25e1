/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's lockdown mode (kernel_lockdown(7)). */
#ifndef HALFOPEN_SYS_LOCKDOWN_H
#define HALFOPEN_SYS_LOCKDOWN_H

enum lockdown {
	LOCKDOWN_UNKNOWN,	/* securityfs is not mounted, or the kernel has no lockdown */
	LOCKDOWN_NONE,
	LOCKDOWN_INTEGRITY,	/* no kprobes, no fentry where they could write */
	LOCKDOWN_CONFIDENTIALITY,	/* BPF may not read untyped memory, either */
};

enum lockdown lockdown__read(void);

#endif
