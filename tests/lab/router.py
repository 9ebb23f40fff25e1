# SPDX-License-Identifier: GPL-2.0
"""Whoever says by ICMP that the device cannot be reached, in words that nft has, or has not."""
import socket
import struct
import threading

from lab import inside


class Router(threading.Thread):
    """Says (type, code) of every segment of ours from or to a port that it knows, beside a rule
    that drops them."""

    def __init__(self, lab, answers):
        super().__init__(daemon=True)
        self.answers, self.running, self.said = answers, True, 0
        with inside(lab.device.path):
            self.taken = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
            self.taken.bind(("veth0", 0))
            self.raw = {socket.AF_INET: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
                        socket.AF_INET6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)}
        self.taken.settimeout(0.1)
        lab.cleanup.callback(self.stop)
        self.start()

    def stop(self):
        self.running = False
        self.join(5)
        for sock in (self.taken, *self.raw.values()):
            sock.close()

    def run(self):
        while self.running:
            try:
                packet = self.taken.recv(65536)
            except TimeoutError:
                continue
            family, header, protocol = (socket.AF_INET, 20, packet[9]) if packet[0] >> 4 == 4 else \
                (socket.AF_INET6, 40, packet[6])
            if protocol != socket.IPPROTO_TCP:
                continue
            for port in struct.unpack_from("!HH", packet, header):
                if (family, port) in self.answers:
                    self.say(family, *self.answers[family, port], packet[:header + 8])

    def say(self, family, kind, code, about):
        message = struct.pack("!BBHI", kind, code, 0, 0) + about + b"\0" * (len(about) % 2)
        if family == socket.AF_INET:    # the kernel fills in ICMPv6's checksum, not this one
            total = sum(struct.unpack(f"!{len(message) // 2}H", message))
            total = (total >> 16) + (total & 0xffff)
            message = message[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + message[4:]
        self.raw[family].sendto(message, ("10.77.0.1" if family == socket.AF_INET else "fd77::1", 0))
        self.said += 1
