/* SPDX-License-Identifier: GPL-2.0 */
/* A diagnosis as text for people, or as one line of halfopen.doctor/1 (docs/schema). */
#ifndef HALFOPEN_DOCTOR_REPORT_H
#define HALFOPEN_DOCTOR_REPORT_H

#include "doctor/diagnosis.h"
#include "file/output.h"

/* Each returns 0 or -errno of the output. */
int doctor__write_json(struct output *o, const struct diagnosis *d, const char *version,
		       const char *gateway);
int doctor__write_text(struct output *o, const struct diagnosis *d);

#endif
