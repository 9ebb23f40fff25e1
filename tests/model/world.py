# SPDX-License-Identifier: GPL-2.0
"""Random lives: the peer, the path between, the program, this host's own filters."""
import heapq

from kernel import (CLOSE_WAIT, ESTABLISHED, F_LINGER_0, F_REPAIR, STATE, SYN_RECV, TCP_ACK,
                    TCP_FIN, TCP_RST, TCP_SYN, WINDOW_BYTES, Segment, Socket)
from recording import MS, S

LIFE, DAY = 100 * S, 86400 * S
# What ICMP leaves in sk_err_soft: EHOSTUNREACH, ENETUNREACH, ECONNREFUSED, ENOPROTOOPT, EACCES,
# EPROTO, EHOSTDOWN, ENONET.
ICMP_ERRORS = [113, 101, 111, 92, 13, 71, 112, 64]
THEMES = {"data": 5, "window": 2, "kept in": 2, "icmp": 1, "goodbye": 2, "close": 2, "reboot": 1,
          "long": 1}
# All that a recording of format 1 tells enough of, where nobody spoke into a silence.
THEMES_OF_FORMAT_1 = ("data", "window")


class Life(Socket):
    """One connection, from its opening to its end."""

    def __init__(self, cookie, rng, start, hz):
        super().__init__(cookie, rng, start, hz)
        self.theme = rng.choices(list(THEMES), list(THEMES.values()))[0]
        self.until = start + LIFE
        self.cuts = self.random_cuts()
        self.forgets_at = start + rng.randint(5, 90) * S if rng.random() < 0.15 else None
        self.gone_at = None             # the peer ceases to be
        self.kept_from = self.kept_until = None
        self.kept_by_queue, self.in_process = False, 0
        self.icmp_from = None
        # the peer's own numbers: its next byte, how much of ours it has, what we have not
        # acknowledged; whether it takes data
        self.peer_next = self.peer_taken = 0
        self.peer_unacked, self.peer_window, self.peer_is_closed = [], True, False
        self.probes_by_byte = rng.random() < 0.4
        self.needs_format_3 |= self.theme not in THEMES_OF_FORMAT_1

    def random_cuts(self):
        rng, cuts = self.rng, []
        for _ in range(rng.choice([0, 1, 1, 2])):
            begin = self.start + rng.randint(1, 80) * S + rng.randint(0, 999) * MS
            cuts.append((begin, begin + rng.randint(200, 20000) * MS,
                         rng.choice(["both", "in", "out"])))
        if rng.random() < 0.6:
            begin = self.start + rng.randint(1, 60) * S
            cuts.append((begin, self.start + 100 * DAY, rng.choice(["both", "in", "out"])))
        return cuts

    def sometime(self, least=500, most=90000):
        return self.start + self.rng.randint(least, most) * MS

    def live(self):
        self.tell(STATE, state=ESTABLISHED, old_state=SYN_RECV, small=True)
        self.plan()
        if self.keepalive:
            self.arm_keepalive(self.idle)
        while self.agenda and not self.ended:
            self.now, _, what, arguments = heapq.heappop(self.agenda)
            if self.now > self.until:
                break
            what(*arguments)
        return self

    def plan(self):
        rng = self.rng
        getattr(self, "plan_" + self.theme.replace(" ", "_"))()
        for _ in range(rng.choice([0, 0, 1, 4])):
            self.at(self.sometime(), self.peer_writes)
        if rng.random() < 0.2:
            self.at(self.sometime(3000, 10000), self.peer_probes_us, rng.randint(3, 10) * S)
        if rng.random() < 0.2:
            for _ in range(rng.randint(1, 5)):
                self.at(self.sometime(), self.stray)
        if rng.random() < 0.05:
            self.at(self.sometime(), self.peer_aborts)

    def plan_data(self, choices=(0, 0, 1, 3)):
        for _ in range(self.rng.choice(choices)):
            self.at(self.sometime(), self.program_writes)

    def plan_window(self):
        self.in_process = self.rng.choice([0, 0.3])
        self.at(self.sometime(most=60000), self.window_closes)

    def plan_kept_in(self):
        """This host's own filter or queue, for a while."""
        rng = self.rng
        self.kept_from = self.sometime(1000, 60000)
        self.kept_until = self.kept_from + rng.choice([5 * S, 20 * S, 100 * DAY])
        self.kept_by_queue = rng.random() < 0.2
        if rng.random() < 0.5:
            self.plan_data((1, 2))

    def plan_icmp(self):
        self.icmp_from = self.sometime(1000, 60000)
        self.plan_data((1, 3))

    def plan_goodbye(self):
        rng = self.rng
        self.at(self.sometime(most=60000), self.peer_closes, rng.choice(["half", "gone", "closed"]))
        if rng.random() < 0.4:
            self.at(self.sometime(), self.program_writes)
        if rng.random() < 0.4:
            self.at(self.sometime(), self.program_closes)

    def plan_close(self):
        self.extra_flags = self.rng.choice([0, 0, 0, F_REPAIR, F_LINGER_0])
        self.plan_data((0, 0, 1))
        self.at(self.sometime(), self.program_closes)

    def plan_reboot(self):
        """The device loses power, and dials again from the same port."""
        self.forgets_at = self.sometime(5000, 90000)
        self.at(self.forgets_at + self.rng.randint(100, 20000) * MS, self.dial, S)

    def plan_long(self):
        """Weeks of silence: without keepalive, or with an idle time of days by the sysctl."""
        rng = self.rng
        silence = rng.randint(25 * 24, 60 * 24) * 3600 * S + rng.randint(0, 10**9)
        self.until = self.start + silence + 3 * LIFE
        self.forgets_at = None
        if rng.random() < 0.5:
            self.keepalive = False
        else:
            self.idle = self.net_idle = rng.randint(1, 20) * 86400 * self.hz
            self.cuts = [(b, e, "in") for b, e, _ in self.cuts]
        what = rng.choice([self.program_writes, self.peer_writes, self.program_closes])
        self.at(self.start + LIFE + silence, what)

    # ---- the path ----

    def passes(self, way):
        return self.rng.random() > 0.03 and not any(
            begin <= self.now < end and which in (way, "both") for begin, end, which in self.cuts)

    def is_kept_in(self):
        return self.kept_from is not None and self.kept_from <= self.now < self.kept_until

    def reach_peer(self, kind, first, end, ack):
        """One of ours has left this host."""
        if self.icmp_from is not None and self.now >= self.icmp_from:
            if kind == "data" and self.rng.random() < 0.9:
                self.at(self.now + self.delay, self.unreachable)
        elif self.passes("out"):
            self.at(self.now + self.delay // 2, self.at_peer, kind, first, end, ack)

    def unreachable(self):
        """ICMP: the kernel believes it of what is under way, and keeps it in mind."""
        if self.flying:
            self.error_soft = self.rng.choice(ICMP_ERRORS)

    def from_peer(self, segment):
        if self.passes("in"):
            self.at(self.now + self.delay - self.delay // 2, self.receive, segment)

    # ---- the peer ----

    def has_forgotten(self):
        return self.forgets_at is not None and self.now >= self.forgets_at

    def is_there(self):
        return not self.has_forgotten() and (self.gone_at is None or self.now < self.gone_at)

    def at_peer(self, kind, first, end, ack):
        if self.gone_at is not None and self.now >= self.gone_at:
            return
        if self.has_forgotten() or self.peer_is_closed:
            self.from_peer(Segment(ack, 0, 0, TCP_RST))
            return
        self.peer_unacked = [s for s in self.peer_unacked if s.end > ack]
        if kind == "data" and first <= self.peer_taken < end:
            self.peer_taken = end
        if kind != "ack":
            self.peer_acknowledges()

    def peer_acknowledges(self):
        self.from_peer(Segment(self.peer_next, 0, self.peer_taken, window=self.peer_window))

    def peer_sends(self, size, flags=TCP_ACK):
        s = Segment(self.peer_next, size, self.peer_taken, flags, window=self.peer_window)
        self.peer_next = s.end
        self.peer_unacked.append(s)
        self.from_peer(s)
        self.at(self.now + S, self.peer_repeats, s, 2 * S)

    def peer_writes(self):
        if self.is_there() and not self.orphan and not self.peer_has_closed():
            self.peer_sends(self.rng.choice([1, 10, 400]))

    def peer_repeats(self, s, period):
        if not self.is_there() or self.orphan or s not in self.peer_unacked or period > 20 * S:
            return
        again = Segment(s.seq, s.size, self.peer_taken, s.flags, window=self.peer_window)
        self.peer_unacked[self.peer_unacked.index(s)] = again
        self.from_peer(again)
        self.at(self.now + period, self.peer_repeats, again, 2 * period)

    def peer_probes_us(self, period):
        if not self.is_there() or self.peer_has_closed() or self.orphan or \
                self.now > self.start + LIFE:
            return
        # A byte of garbage beside data of ours may as well be the peer's last byte once more.
        if not (self.probes_by_byte and (self.flying or self.queue)) and not self.peer_unacked:
            self.from_peer(Segment(self.peer_next - 1, int(self.probes_by_byte), self.peer_taken,
                                   window=self.peer_window, probe=True))
        self.at(self.now + period, self.peer_probes_us, period)

    def peer_has_closed(self):
        return any(s.flags & TCP_FIN for s in self.peer_unacked) or self.fin_taken

    def peer_closes(self, then):
        if not self.is_there() or self.peer_has_closed() or not self.peer_window:
            return
        self.peer_sends(0, TCP_ACK | TCP_FIN)
        when = self.now + self.rng.randint(1, 20) * S
        if then == "gone":
            self.gone_at = when
        elif then == "closed":
            self.at(when, self.peer_forgets)

    def peer_forgets(self):
        self.peer_is_closed = True

    def peer_aborts(self):
        """Its program ends: a reset with an acknowledgement, unasked."""
        if self.is_there() and not self.peer_has_closed() and not self.peer_unacked and \
                not self.orphan:
            self.from_peer(Segment(self.peer_next, 0, self.peer_taken, TCP_RST | TCP_ACK))
            self.gone_at = self.now

    def dial(self, period):
        self.from_peer(Segment(self.rng.randint(10**6, 10**8), 0, 0, TCP_SYN))
        if period < 16 * S:
            self.at(self.now + period, self.dial, 2 * period)

    def stray(self):
        """With the connection's addresses, but nothing that the kernel takes."""
        if not self.is_there() or self.orphan:
            return
        size = self.rng.choice([0, 10])
        self.from_peer(self.rng.choice([
            Segment(self.peer_next - 10 * WINDOW_BYTES, size, self.peer_taken),
            Segment(self.peer_next, size, self.peer_taken, stale=True),
            Segment(self.peer_next, size, self.peer_taken + 10**6),
            Segment(self.peer_next + 10 * WINDOW_BYTES, size, self.peer_taken)]))

    # ---- the program ----

    def program_writes(self):
        if self.ended or self.orphan or self.state not in (ESTABLISHED, CLOSE_WAIT) or \
                self.ca or self.queue:
            return
        for _ in range(1 if self.has_sack else self.rng.choice([1, 1, 2, 3])):
            self.write(self.rng.choice([1, 100, 1000]))

    def program_closes(self):
        if not self.ca and not self.queue and not self.is_kept_in() and not self.ended:
            self.close_socket()

    # ---- the window ----

    def window_closes(self):
        """The last acknowledgement closes it; then the program writes."""
        if not self.is_there() or self.flying or self.queue:
            return
        self.peer_window = False
        self.peer_acknowledges()
        self.at(self.now + self.delay, self.write_behind_window)
        self.at(self.now + self.rng.randint(1, 40) * S, self.window_opens)

    def write_behind_window(self):
        if not self.window and not self.ended and not self.orphan:
            self.write(1000)

    def window_opens(self):
        self.peer_window = True
        if self.is_there():
            self.peer_acknowledges()
