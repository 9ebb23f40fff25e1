/* SPDX-License-Identifier: GPL-2.0 */
/* What ask.bpf.c tells user space. */
#ifndef HALFOPEN_ASK_H
#define HALFOPEN_ASK_H

#include "event.h"

/* A file of a process that is an established TCP connection. */
struct ho_descriptor {
	ho_u64 cookie;
	ho_u32 pid;
	ho_s32 fd;
};

enum ho_answer_kind {
	HO_ANSWER_LIFE,		/* an answer */
	HO_ANSWER_NONE,		/* life that is no answer: the peer's own probe, repeated bytes */
	HO_ANSWER_RESET,	/* a reset, which ends the socket */
	HO_ANSWER_END,		/* the socket ended */
	HO_ANSWER_LEFT,		/* it is established no more: no answer, and no end yet */
	HO_ANSWER_FILTERED,	/* a segment for it, which this host dropped before TCP saw it */
};

/* What became of a socket that was asked. */
struct ho_answer {
	ho_u64 cookie;
	ho_u64 mono_ns;
	ho_u32 slot;	/* as user space numbered it */
	ho_u32 bytes;	/* of the segment, with its IP header; 0: there was none */
	ho_u16 kind;	/* enum ho_answer_kind */
	ho_u16 error;	/* sk_err of an end */
	ho_u32 pad;
};

#endif
