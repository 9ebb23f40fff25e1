# SPDX-License-Identifier: GPL-2.0
"""What a timeline has to say of a connection, by the words of the contract: kept from the segments
themselves, whatever the kernel side tells of them."""

KEEPALIVE, RETRANSMIT, WINDOW, FIN = "keepalive", "retransmit", "zero_window", "fin"
SUSPECT_AFTER = 2


class Ask:
    """`told`: by the kernel side, or known from what it tells; `end`: whose acknowledgement answers
    it, None where it carries nothing."""

    def __init__(self, at, kind, told, end):
        self.at, self.kind, self.told, self.end = at, kind, told, end


def kind_of(asks):
    kinds = {a.kind for a in asks}
    return kinds.pop() if len(kinds) == 1 else "mixed"


class Ledger:
    def __init__(self, start):
        self.asks = []              # since the last answer
        self.heard_at = start
        self.acknowledged_at = self.half_closed_at = self.closed_at = None
        self.suspect_at_close = False
        self.slowest = self.slowest_told = 0
        self.probes_sent = self.probes_answered = self.peer_probes = 0
        self.probes_failed = self.sends_failed = self.window_probes = 0
        self.was_killed_unasked = False
        self.failed_at = 0          # this host dropped something of ours
        self.episode_unsure = False
        self.answers_unsure = 0     # seen by later clocks alone: the last may stay unknown
        self.unseen_in_mixed = 0    # as are, beside data or a FIN, answers to probes: or repetitions?
        self.wire = []              # for a reader: what was on it
        self.episodes = []          # (kind: of all asks, of those told; (fewest, most asks), end)
        self.outcome = self.found_by = self.detail = self.declared = None

    # ---- what happens ----

    def ask(self, at, kind, told=True, end=None):
        self.asks.append(Ask(at, kind, told, end))
        self.episode_unsure = False     # its event tells how the silence before ended
        self.wire.append((at, f"asked: {kind}{'' if told else ', untold'}"))

    def tell_first_transmission(self, kind):
        first = next((a for a in self.asks if a.kind == kind), None)
        if first:
            first.told = True

    def fail(self, at, what):
        """This host dropped one of ours: `what` counts such."""
        self.failed_at = at
        setattr(self, what, getattr(self, what) + 1)
        self.wire.append((at, what))

    def hear(self, at, una, is_new, seen):
        """A segment of the peer's that is life. `una`: up to where it acknowledges, None: nothing
        new; `seen`: it is told when it arrives, not by the clocks of a later event."""
        self.wire.append((at, f"heard: {'acknowledges' if una else 'new' if is_new else '-'}"
                              f"{'' if seen else ', untold'}"))
        if una is not None:
            self.acknowledged_at = at
        if not seen and len({a.end is None for a in self.asks}) == 2:
            self.unseen_in_mixed += 1
        answered = [a for a in self.asks if (is_new or una) and a.end is None or
                    (una and a.end is not None and a.end <= una)]
        if answered:
            self.answer(at, answered, seen)
        self.asks, self.heard_at = [a for a in self.asks if a not in answered], at

    def answer(self, at, asks, seen):
        told = [a.at for a in asks if a.told]
        if seen and (told or asks[0].kind == WINDOW):
            self.slowest = max(self.slowest, at - asks[0].at)
            self.slowest_told = max(self.slowest_told, at - told[0] if told else 0)
        if any(a.kind == KEEPALIVE for a in asks):
            self.probes_answered += 1
            self.was_killed_unasked = False
        self.failed_at = 0          # this host dropped something of ours
        self.episode_unsure = False
        self.answers_unsure = 0 if seen else 1
        before = len(self.episodes)
        self.end_episode(asks, "recovered")
        self.episode_unsure = not seen and len(self.episodes) > before

    def end_episode(self, asks, end):
        if not asks:
            return
        fewest = sum(a.told for a in asks)
        if len(asks) >= (1 if end == "died" else 2):
            kinds = kind_of(asks), kind_of([a for a in asks if a.told])
            self.episodes.append((kinds, (fewest, len(asks)), end))

    def close(self, at):
        self.closed_at = at
        self.suspect_at_close = self.unanswered() >= SUSPECT_AFTER

    def unanswered(self):
        return max(0, len(self.asks) - 1)

    def end(self, at, outcome, found_by=None, detail=None):
        """`found_by`: who gave up, or was told; whether the peer was gone is decided here."""
        gave_up = found_by not in (None, "reset", "local_close")
        goodbye = self.half_closed_at is not None and all(a.kind == KEEPALIVE for a in self.asks)
        kept = self.failed_at > self.heard_at and not any(a.at > self.heard_at for a in self.asks)
        # Or a count from before the peer was heard (data on the fast path leave it) killed it.
        self.was_killed_unasked = gave_up and not kept and not self.asks
        if gave_up and (kept or not self.asks):
            found_by, detail = None, "unasked"
        elif goodbye and found_by != "local_close":
            found_by = None
        self.outcome, self.found_by, self.detail = outcome, found_by, detail
        self.ended_at = at
        self.declared = self.closed_at if found_by == "local_close" else at
        orderly = outcome in ("closed_locally", "closed_by_peer", "aborted_locally")
        self.end_episode(self.asks, "closed" if orderly else "died")

    def unseen_window_probes(self):
        """Of which only the count is known, and the latest that they can have been."""
        return sum(a.kind == WINDOW and not a.told for a in self.asks)

    # ---- what must be said ----

    def bounds(self, slack, in_flight, told_only):
        """(min, likely_min, max) in nanoseconds. `in_flight`: asks that left less than this before
        the peer was last heard were not unanswered yet."""
        most = max(0, self.declared - self.heard_at)
        asks = [a.at for a in self.asks if a.at <= self.declared and (a.told or not told_only)]
        if not asks:
            return None, None, most
        before = [at for at in asks if at + in_flight < self.heard_at]
        after = asks[len(before):]
        if len(before) >= 2 or not after:
            return 0, 0, most
        return (min(most, max(0, self.declared - asks[-1] - slack)),
                min(most, max(0, self.declared - after[0] - slack)), most)
