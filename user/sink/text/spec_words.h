/* SPDX-License-Identifier: GPL-2.0 */
/* What explain says of a SPEC: what was read of it, or what was expected instead. */
#ifndef HALFOPEN_SINK_TEXT_SPEC_WORDS_H
#define HALFOPEN_SINK_TEXT_SPEC_WORDS_H

#include "tuning/party_spec.h"
#include "value/words.h"

void spec_words__add_note(struct words *w, const struct party_note *n);
void spec_words__add_expected(struct words *w, enum party_spec_expected expected);

#endif
