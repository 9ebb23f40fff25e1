# SPDX-License-Identifier: GPL-2.0
"""One Linux socket by the kernel's rules: tcp_keepalive_timer(), tcp_retransmit_timer(),
tcp_probe_timer(), tcp_write_timeout(), tcp_ack(), tcp_rcv_established() and tcp_close() as of Linux
6.1 to 6.18; and what halfopen's kernel side tells of it (bpf/)."""
import heapq

from ledger import FIN, KEEPALIVE, RETRANSMIT, WINDOW, Ledger
from recording import EVENT, MS, S, SMALL
ESTABLISHED, SYN_RECV, FIN_WAIT1, FIN_WAIT2, CLOSE, CLOSE_WAIT, LAST_ACK = 1, 3, 4, 5, 7, 8, 9
EPIPE, ECONNRESET, ETIMEDOUT = 32, 104, 110
TCP_FIN, TCP_SYN, TCP_RST, TCP_ACK = 1, 2, 4, 16
RETRIES2, ORPHAN_RETRIES, RTO_MAX_S = 4, 3, 120
# kinds of event and their flags, as in bpf/event.h
STATE, PROBE_SENT, PROBE_FAILED, HEARD, RETRANSMITTED, RESET_SENT, RESET_RECEIVED = range(2, 9)
ZERO_WINDOW_PROBE, SEND_FAILED = 11, 12
(F_KEEPALIVE, F_ORPHAN, F_OWNED, F_IN_KEEPALIVE, F_MPTCP, F_SEGMENT, F_FIN_QUEUED, F_ZERO_WINDOW,
 F_DATA_IDLE, F_FIN_TAKEN, F_REPAIR, F_LINGER_0, F_ALL_ACKED, F_OWN_WINDOW_ZERO, F_TIMESTAMP,
 F_UNDELIVERED) = (1 << bit for bit in range(16))
TAKEN, REPEATED, REFUSED = 1, 2, 3
CONGESTION, DROPPED = 0, 1
OPEN, LOSS = 0, 4               # congestion state
RTO, PROBE0, TLP = 1, 3, 5      # icsk_pending
WINDOW_BYTES = 65535
BOOT_S = -300                   # the kernel's own start: jiffies wrap after five minutes
U32 = 2**32


def wheel_lateness(delta):
    """The granule of the level at which the timer wheel keeps a timer of this length."""
    level = 0
    while level < 8 and delta >= 63 << (3 * level):
        level += 1
    return 1 << (3 * level)


class Segment:
    """Of the peer's, with absolute numbers."""

    def __init__(self, seq, size, ack, flags=TCP_ACK, window=True, stale=False, probe=False):
        self.seq, self.size, self.ack, self.flags = seq, size, ack, flags
        self.window, self.stale, self.probe = window, stale, probe

    @property
    def end(self):
        return self.seq + self.size + bool(self.flags & TCP_FIN) + bool(self.flags & TCP_SYN)


class Flying:
    """A segment of ours that is not acknowledged."""

    def __init__(self, first, end, fin, sent):
        self.first, self.end, self.fin, self.sent, self.resent = first, end, fin, sent, False


class Socket:
    def __init__(self, cookie, rng, start, hz):
        self.cookie, self.rng, self.start, self.now, self.hz = cookie, rng, start, start, hz
        self.jiffy = S // hz
        self.agenda, self.order, self.records = [], 0, []
        self.truth = Ledger(start)
        self.keepalive = True
        self.idle, self.interval = rng.randint(1, 15) * hz, rng.randint(1, 4) * hz
        self.net_idle = 0           # where it follows the sysctl
        self.probes = rng.randint(1, 6)
        self.user_timeout_ms = rng.choice([0, 0, 0, rng.randint(500, 20000)])
        self.delay = rng.randint(5, 300) * MS       # there and back
        self.state, self.orphan, self.fin_queued, self.fin_taken = ESTABLISHED, False, False, False
        self.needs_format_3 = False
        self.error_soft, self.ended, self.extra_flags = 0, False, 0
        # sequence numbers, from 0
        self.una = self.nxt = self.write_seq = self.rcv_nxt = self.received = self.acked = 0
        self.flying, self.queue, self.window, self.holes = [], [], True, []
        # clocks: jiffies (which do not wrap here), and tcp_mstamp
        self.rcv_tstamp = self.lrcvtime = self.lsndtime = self.jiffies()
        self.oow = self.chrono = None
        self.told_last = {}         # of what no clock notices, by verdict
        self.mstamp, self.delivered, self.first_tx, self.acked_at = start, 0, 0, 0
        self.has_timestamps, self.ts_recent = rng.random() < 0.8, start // S
        # counts and timers
        self.probes_out = self.retransmits = self.total_retrans = self.backoff = 0
        self.segs_in = self.data_segs_in = self.data_segs_out = 0
        self.ca, self.retrans_stamp, self.probes_tstamp, self.pending = OPEN, None, None, 0
        self.has_sack = rng.random() < 0.5          # and so loss probes
        self.rto, self.timer = self.rto_base(), None

    # ---- time ----

    def jiffies(self):
        return self.now // self.jiffy

    def at(self, when, what, *arguments):
        self.order += 1
        heapq.heappush(self.agenda, (when, self.order, what, arguments))

    def arm(self, delta, what, *arguments):
        due = self.jiffies() + delta + self.rng.randint(0, wheel_lateness(delta))
        self.at(due * self.jiffy + self.rng.randint(1, 900) * 1000, what, *arguments)

    def rto_base(self):
        return self.hz // 5 + self.delay // self.jiffy + 1

    def unheard(self):
        now = self.jiffies()
        return min((now - self.rcv_tstamp) % U32, (now - self.lrcvtime) % U32)

    # ---- what the kernel side tells ----

    def flags(self):
        return (F_KEEPALIVE * self.keepalive | F_ORPHAN * self.orphan |
                F_FIN_QUEUED * self.fin_queued | F_ZERO_WINDOW * (not self.window) |
                F_FIN_TAKEN * self.fin_taken | F_ALL_ACKED * (self.una == self.write_seq) |
                self.extra_flags)

    def tell(self, kind, state=None, old_state=0, flags=0, error=0, segment=None, verdict=0,
             reason=0, small=False):
        boot, now, stamp = BOOT_S * self.hz, self.jiffies(), self.retrans_stamp
        clock = lambda at: 0 if at is None else (at + boot) % U32     # noqa: E731
        flags |= self.flags()
        if self.delivered and self.first_tx == self.delivered:
            flags |= F_UNDELIVERED
        full = (segment.seq - self.rcv_nxt, segment.size) if segment else (0, 0)
        ack = segment.ack - self.una if segment else 0
        event = EVENT.pack(
            self.now, self.cookie, kind, 2, state or self.state, old_state, 1,
            bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 7000, 1024 + self.cookie % 60000, flags,
            error, clock(now), clock(self.rcv_tstamp), clock(self.lrcvtime), self.delay // 1000,
            0 if self.net_idle else self.idle, self.interval, self.net_idle or 7200 * self.hz,
            75 * self.hz, self.user_timeout_ms, self.probes, 9, self.probes_out, self.ca,
            self.mstamp, self.acked, self.received, clock(self.lsndtime), clock(self.chrono),
            self.rto, len(self.flying), self.write_seq - self.nxt, self.data_segs_out,
            self.data_segs_in, self.total_retrans, self.delay // 4000, *full, reason,
            segment.flags if segment else 0, self.backoff, self.retransmits, self.pending,
            self.chrono is not None, verdict, 64 if segment else 0, 0, 1,
            self.delivered, ack, self.segs_in, clock(self.oow),
            (self.now - stamp) // MS if stamp and self.retransmits else 0,
            self.acked_at if self.has_sack or not flags & F_UNDELIVERED else 0,
            self.ts_recent if self.has_timestamps else 0, 0)
        self.records.append((self.now, event[:SMALL] if small else event))

    def is_owed(self):
        return self.probes_out or self.retransmits or \
            (self.flying and self.unheard() >= self.hz)

    def set_state(self, new, flags=0, error=0):
        old = self.state
        if new in (CLOSE, CLOSE_WAIT) or self.is_owed():
            orderly = new == CLOSE_WAIT or (new == CLOSE and old != ESTABLISHED)
            self.tell(STATE, new, old, flags, error, small=bool(
                orderly and not error and not self.total_retrans and not self.is_owed()))
        self.state = new
        self.ended = new == CLOSE

    def gate(self, s, verdict):
        """Tells of a segment; False: it does not. The socket is as it was before."""
        now, seq, ack = self.jiffies(), s.seq - self.rcv_nxt, s.ack - self.una
        if self.unheard() < self.hz // 10 and not (self.backoff and (
                ack > 0 if self.retransmits else
                self.probes_out and ack >= 0 and s.end == s.seq)):
            return False
        data_idle = bool(s.size) and (now - self.lrcvtime) % U32 >= 10 * self.hz and \
            (now - self.lsndtime) % U32 >= 10 * self.hz
        if s.flags & TCP_RST:
            worth = not seq
        elif verdict == REFUSED:
            worth = s.flags & TCP_SYN and (self.oow is None or now - self.oow >= self.hz // 2)
        else:
            repeats = seq < 0 and s.end <= self.rcv_nxt and (s.size or seq == -1)
            worth = repeats or data_idle or verdict == REPEATED or self.probes_out or \
                self.retransmits or self.unheard() >= 10 * self.hz
            idle = ack < 0 and not (seq <= 0 and s.end > self.rcv_nxt)
            if worth and (verdict == REPEATED or idle):
                told = self.told_last.get(verdict)
                worth = told is None or now - told >= self.hz // 2
                if worth:
                    self.told_last[verdict] = now
        if worth:
            self.tell(HEARD, flags=F_SEGMENT | F_TIMESTAMP | F_DATA_IDLE * data_idle, segment=s,
                      verdict=0 if s.flags & TCP_RST else verdict)
        return bool(worth)

    # ---- what arrives ----

    def judge(self, s):
        """tcp_validate_incoming(), tcp_ack(); what is refused may yet be a repetition."""
        end, ack = s.end - self.rcv_nxt, s.ack - self.una
        sent = -ack <= self.acked if ack < 0 else s.ack <= self.nxt
        if s.flags & TCP_SYN or not s.flags & TCP_ACK or s.stale:
            return REFUSED
        if end < 0:
            return REPEATED if self.rcv_nxt - s.seq <= WINDOW_BYTES and sent else REFUSED
        return TAKEN if s.seq - self.rcv_nxt <= WINDOW_BYTES and sent else REFUSED

    def receive(self, s):
        if self.ended or self.is_ambiguous(s):
            return
        verdict = self.judge(s)
        life = verdict in (TAKEN, REPEATED)
        self.segs_in += 1
        self.data_segs_in += bool(s.size)
        told = self.state == ESTABLISHED and self.gate(s, verdict)
        if not told and self.state == ESTABLISHED and self.is_silent(s, verdict):
            self.segs_in -= 1       # as though it had been lost
            self.data_segs_in -= bool(s.size)
            return
        self.mstamp = self.now
        if s.flags & TCP_RST:
            if s.seq == self.rcv_nxt:
                self.take_reset(s)
            return
        if life:
            new = s.end > self.rcv_nxt or (not s.size and s.seq >= self.rcv_nxt)
            una = s.ack if verdict == TAKEN and s.ack > self.una else None
            if self.truth.asks and not (una == self.nxt if self.flying else new):
                self.needs_format_3 = True      # what it answers, format 1 does not tell
            self.truth.hear(self.now, una, new and s.ack >= self.una, told)
            self.truth.peer_probes += s.probe and told
        if verdict == TAKEN:
            self.take(s)
        elif not s.size and (self.oow is None or self.jiffies() - self.oow >= self.hz // 2) or \
                s.flags & TCP_SYN:
            self.oow = self.jiffies()
            self.send_ack()         # of what is missing; to a SYN, a challenge
        elif s.size:
            self.send_ack()

    def is_ambiguous(self, s):
        """One byte before the next: without data of ours under way it is a keepalive probe to
        whoever looks, beside them the peer's last byte once more. And a reset that answers a
        FIN."""
        if s.size == 1 and s.seq == self.rcv_nxt - 1:
            return s.probe == bool(self.flying)
        if self.state != ESTABLISHED and s.end <= self.rcv_nxt and s.size + (s.flags & TCP_FIN):
            return True     # nobody sees it; its clock looks like an answer's
        return s.flags & TCP_RST and self.state in (FIN_WAIT1, LAST_ACK)

    def is_silent(self, s, verdict):
        """By design nobody tells of it, and no clock: there are none such in these lives."""
        if s.flags & TCP_RST:
            return s.seq == self.rcv_nxt
        return verdict == REPEATED or (verdict == TAKEN and (s.probe or s.ack < self.una))

    def take(self, s):
        in_order = s.seq <= self.rcv_nxt
        if in_order:
            self.ts_recent = self.now // S
        fast = s.seq == self.rcv_nxt and s.size and s.ack == self.una and not self.holes and \
            not s.flags & TCP_FIN and self.state == ESTABLISHED and self.rng.random() < 0.5
        if in_order and s.end > self.rcv_nxt and s.size:
            self.lrcvtime = self.jiffies()
        before = self.una
        if not fast:
            self.take_ack(s)
        if self.ended:
            return
        if s.end > self.rcv_nxt:
            self.take_bytes(s)
        if s.size or s.flags & TCP_FIN:
            self.send_ack()
        if self.una != before or self.queue:
            self.push()

    def take_bytes(self, s):
        self.holes.append((s.seq, s.end, bool(s.flags & TCP_FIN)))
        self.holes.sort()
        while self.holes and self.holes[0][0] <= self.rcv_nxt:
            _, end, fin = self.holes.pop(0)
            self.received += max(0, end - self.rcv_nxt)
            self.rcv_nxt = max(self.rcv_nxt, end)
            if fin and not self.fin_taken:
                self.fin_taken = True
                if self.state == ESTABLISHED:
                    self.truth.half_closed_at = self.now
                    self.set_state(CLOSE_WAIT)

    def take_ack(self, s):
        if s.ack < self.una:
            return
        had_flying, advanced = bool(self.flying), s.ack > self.una
        if advanced:
            self.retransmits = 0
            self.acked += s.ack - self.una
            self.una = s.ack
        self.window = s.window
        self.error_soft = self.probes_out = 0
        self.rcv_tstamp = self.jiffies()
        if not had_flying:
            if self.queue and self.window:
                self.backoff, self.probes_tstamp, self.timer, self.pending = 0, None, None, 0
            elif self.queue:
                self.arm_probe0()
            return
        if advanced:
            self.clean_rtx_queue()

    def clean_rtx_queue(self):
        gone = [f for f in self.flying if f.end <= self.una]
        self.flying = [f for f in self.flying if f.end > self.una]
        self.first_tx = max((f.sent for f in gone), default=self.first_tx)
        self.delivered = self.acked_at = self.now
        self.backoff, self.rto = 0, self.rto_base()
        self.timer, self.pending = None, 0
        if self.flying:
            self.arm_rto()
            if self.ca == LOSS:         # the rest is lost, too
                self.retransmit()
            return
        self.ca, self.retrans_stamp = OPEN, None
        if not self.queue:
            self.chrono = None
        if any(f.fin for f in gone):
            if self.state == FIN_WAIT1:
                self.set_state(FIN_WAIT2)
                self.set_state(CLOSE)
                self.truth.end(self.now, "closed_locally")
            elif self.state == LAST_ACK:
                self.set_state(CLOSE)
                self.truth.end(self.now, "closed_by_peer")

    def take_reset(self, s):
        old, asked = self.state, bool(self.probes_out or self.flying)
        bare = not s.flags & TCP_ACK
        self.tell(RESET_RECEIVED)
        challenged = self.oow is not None and self.jiffies() - self.oow <= 3 * self.hz
        self.needs_format_3 |= bare and challenged and not asked
        self.purge()
        self.set_state(CLOSE, error=EPIPE if old == CLOSE_WAIT else ECONNRESET)
        self.truth.end(self.now, "reset_by_peer",
                       "reset" if bare and (asked or challenged) else None)

    # ---- what leaves ----

    def send(self, kind, first, end):
        """False if this host drops it."""
        if self.is_kept_in():
            return False
        self.reach_peer(kind, first, end, self.rcv_nxt)
        return True

    def send_ack(self):
        self.mstamp = self.now
        self.send("ack", self.nxt, self.nxt)

    def tell_failed_send(self):
        if self.unheard() >= self.hz // 10:
            self.truth.fail(self.now, "sends_failed")
            self.tell(SEND_FAILED, reason=CONGESTION if self.kept_by_queue else DROPPED)

    def write(self, size, fin=False):
        self.write_seq += size
        self.queue.append((self.write_seq, fin))
        if self.chrono is None:
            self.chrono = self.jiffies()
        self.push()

    def push(self):
        """tcp_write_xmit(), tcp_check_probe_timer()."""
        while self.queue and self.window and self.ca != LOSS:
            if not self.send_first():
                break
        if self.queue and not self.flying and not self.pending:
            self.arm_probe0()

    def send_first(self):
        """The first transmission of the next in the queue."""
        end, fin = self.queue[0]
        self.mstamp = self.now
        if not self.send("data", self.nxt, end):
            self.tell_failed_send()
            return False
        self.queue.pop(0)
        if not self.flying:
            self.first_tx = self.delivered = self.now
            self.needs_format_3 |= self.chrono != self.jiffies()    # when it left
            self.timer, self.pending = None, 0
        # Known to the kernel side once it is retransmitted: of a flight the first.
        self.truth.ask(self.now, FIN if fin else RETRANSMIT, False, end)
        self.flying.append(Flying(self.nxt, end, fin, self.now))
        self.nxt, self.lsndtime = end, self.jiffies()
        self.data_segs_out += not fin
        if len(self.flying) == 1:
            self.probes_out = 0 if self.pending == PROBE0 else self.probes_out
            self.arm_rto()
        return True

    # ---- the keepalive timer ----

    def arm_keepalive(self, delta):
        self.arm(delta, self.keepalive_timer)

    def keepalive_timer(self):
        if not self.keepalive or self.ended:
            return
        self.mstamp = self.now
        elapsed = self.unheard()
        if self.flying or self.queue:
            self.arm_keepalive(self.idle)
            return
        if elapsed < self.idle:
            self.arm_keepalive(self.idle - elapsed)
            return
        limit = -(-self.user_timeout_ms * self.hz // 1000)
        if (limit and elapsed >= limit and self.probes_out) or \
                (not limit and self.probes_out >= self.probes):
            self.tell(RESET_SENT)
            self.set_state(CLOSE, F_IN_KEEPALIVE, ETIMEDOUT)
            self.truth.end(self.now, "user_timeout" if limit else "keepalive_timeout",
                           "user_timeout" if limit else "keepalive")
            return
        if self.is_kept_in():
            self.truth.fail(self.now, "probes_failed")
            self.probes_out += not self.kept_by_queue   # the kernel counts what a filter drops
            self.tell(PROBE_FAILED, reason=CONGESTION if self.kept_by_queue else DROPPED)
            self.arm_keepalive(self.hz // 2 if self.kept_by_queue else self.interval)
            return
        self.probes_out += 1
        self.truth.probes_sent += 1
        self.tell(PROBE_SENT)
        self.truth.ask(self.now, KEEPALIVE)
        self.send("probe", self.una - 1, self.una - 1)
        self.arm_keepalive(self.interval)

    # ---- the retransmission timer ----

    def arm_write_timer(self, delta, pending, what):
        self.timer = self.order + 1
        self.pending = pending
        self.arm(delta, what, self.timer)

    def arm_rto(self):
        """And, with SACK and nothing lost, a loss probe before it (tcp_schedule_loss_probe())."""
        loss_probe = (2 * self.delay + self.hz // 5 * self.jiffy) // self.jiffy
        if self.has_sack and self.ca == OPEN and loss_probe < self.rto:
            self.arm_write_timer(loss_probe, TLP, self.loss_probe_timer)
        else:
            self.arm_write_timer(self.rto, RTO, self.rto_timer)

    def loss_probe_timer(self, timer):
        if timer != self.timer or not self.flying:
            return
        self.retransmit(self.flying[-1])
        self.arm_write_timer(self.rto, RTO, self.rto_timer)

    def retransmit(self, f=None):
        """tcp_retransmit_skb(); returns whether it left."""
        f = f or self.flying[0]
        self.mstamp = self.now
        self.total_retrans += 1
        unheard = self.unheard()
        told = unheard >= self.hz or (self.ca == LOSS and (unheard >= self.hz // 10 or
                                                           self.retransmits >= 2))
        left = self.send("data", f.first, f.end)
        if left:
            f.sent, f.resent = self.now, True
            self.truth.ask(self.now, FIN if f.fin else RETRANSMIT, told, f.end)
            if told:
                if self.first_tx == self.delivered:
                    self.truth.tell_first_transmission(FIN if f.fin else RETRANSMIT)
                self.tell(RETRANSMITTED)
        else:
            self.tell_failed_send()
        if self.retrans_stamp is None:
            self.retrans_stamp = self.now
        return left

    def rto_timer(self, timer):
        if timer != self.timer or not self.flying:
            return
        self.mstamp = self.now
        retries = ORPHAN_RETRIES if self.orphan else RETRIES2
        limit = self.user_timeout_ms or ((2 << retries) - 1) * 200
        if self.retransmits and (self.now - self.retrans_stamp) // MS >= limit:
            self.give_up("user_timeout" if self.user_timeout_ms else "retransmit_timeout",
                         "user_timeout" if self.user_timeout_ms else "retransmit")
            return
        self.ca = LOSS
        self.retransmits += 1
        left = self.retransmit()
        if not left and self.kept_by_queue:
            self.arm_write_timer(self.hz // 2, RTO, self.rto_timer)
            return
        self.backoff += 1
        self.rto = delta = min(self.rto * 2, RTO_MAX_S * self.hz)
        if self.user_timeout_ms:
            rest = self.user_timeout_ms - (self.now - self.retrans_stamp) // MS
            delta = max(1, min(delta, -(-rest * self.hz // 1000)))
        self.arm_write_timer(delta, RTO, self.rto_timer)

    def purge(self):
        """tcp_write_queue_purge()"""
        self.flying, self.backoff, self.chrono = [], 0, None

    def give_up(self, outcome, found_by):
        """tcp_write_err()"""
        closed = self.state in (FIN_WAIT1, LAST_ACK)
        was_closed_by_peer = self.state == LAST_ACK
        error = self.error_soft or ETIMEDOUT
        if self.error_soft:
            outcome, found_by = "unreachable", "unreachable"
        if closed:
            outcome = "closed_by_peer" if was_closed_by_peer else "closed_locally"
            found_by = "local_close"
        self.purge()
        self.set_state(CLOSE, error=error)
        self.truth.end(self.now, outcome, found_by)

    # ---- data that wait: for the window, or for this host ----

    def arm_probe0(self):
        when = min(self.rto << min(self.backoff, 10), RTO_MAX_S * self.hz)
        if self.probes_tstamp is not None and self.user_timeout_ms:
            rest = -(-self.user_timeout_ms * self.hz // 1000) - (self.jiffies() -
                                                                 self.probes_tstamp)
            when = min(when, max(2, rest))
        self.arm_write_timer(when, PROBE0, self.probe_timer)

    def probe_timer(self, timer):
        if timer != self.timer:
            return
        if self.flying or not self.queue:
            self.probes_out, self.probes_tstamp = 0, None
            return
        limit = -(-self.user_timeout_ms * self.hz // 1000)
        if self.probes_tstamp is None:
            self.probes_tstamp = self.jiffies()
        elif limit and self.jiffies() - self.probes_tstamp >= limit:
            self.give_up_waiting("user_timeout", "user_timeout")
            return
        if self.probes_out >= RETRIES2:
            names = ("retransmit_timeout", "retransmit") if self.window else \
                ("zero_window_timeout", "zero_window")
            self.give_up_waiting(*(("user_timeout", "user_timeout") if limit else names))
            return
        self.mstamp = self.now
        if self.window:
            if self.send_first():
                self.probes_out, self.backoff, self.probes_tstamp = 0, 0, None
                self.push()
                return
            self.probes_out += 1
            if self.kept_by_queue:
                self.arm_write_timer(self.hz // 2, PROBE0, self.probe_timer)
                return
        else:
            self.ask_for_window()
        self.backoff += 1
        self.arm_probe0()

    def ask_for_window(self):
        self.probes_out += 1
        if self.is_kept_in():
            self.probes_out -= 1
            self.tell_failed_send()
            self.probes_out += 1
            return
        self.truth.window_probes += 1
        # With the socket locked by its program the timer's work is left to that one, and no
        # timer's program sees it.
        told = self.rng.random() >= self.in_process
        if told:
            self.tell(ZERO_WINDOW_PROBE)
        self.truth.ask(self.now, WINDOW, told)
        self.send("window", self.una - 1, self.una - 1)

    def give_up_waiting(self, outcome, found_by):
        """A peer that answers, and leaves its window closed, is not gone."""
        if not self.window and not self.truth.asks and not self.probes_out:
            self.purge()
            self.set_state(CLOSE, error=ETIMEDOUT)
            self.truth.end(self.now, outcome)
        else:
            self.give_up(outcome, found_by)

    # ---- the program ----

    def close_socket(self):
        """close(): a FIN, a reset by linger 0, or TCP_REPAIR's silent end."""
        if self.ended or self.orphan:
            return
        if self.extra_flags & (F_REPAIR | F_LINGER_0):
            moved = self.extra_flags & F_REPAIR
            self.truth.close(self.now)
            suspect = self.truth.suspect_at_close
            self.set_state(CLOSE)
            if not moved:
                self.tell(RESET_SENT)
            self.truth.end(self.now, "closed_locally" if moved else "aborted_locally",
                           "local_close" if suspect and not moved else None,
                           "moved" if moved else "linger_0")
            return
        self.fin_queued = True
        self.truth.close(self.now)
        self.set_state(LAST_ACK if self.state == CLOSE_WAIT else FIN_WAIT1)
        self.orphan = True
        self.write(1, fin=True)
