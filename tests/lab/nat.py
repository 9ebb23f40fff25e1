# SPDX-License-Identifier: GPL-2.0
"""A carrier's network: devices with private addresses behind a router that translates them to a
few shared ones, and forgets mappings by itself or when told to."""
import socket

from lab import Lab, Namespace, inside, run

GATEWAY = "203.0.113.1"
SHARED = "198.51.100."
# What becomes of a segment from the gateway for which there is no mapping any more.
WITHOUT_MAPPING = {"quiet": "blackhole", "unreachable": "unreachable", "reset": "local"}


class NatLab(Lab):
    """A Lab whose devices are 10.64.0.0/17, all in one namespace: device(N) is the address
    of the N-th. `without_mapping` says how the router treats what it has no mapping for."""

    def __init__(self, without_mapping="quiet", shared=8, timeout=None, tag=None):
        self.without_mapping, self.shared, self.timeout = without_mapping, shared, timeout
        super().__init__(tag=tag)

    def build_path(self, tag, _):
        self.router = router = Namespace(tag + "r")
        self.cleanup.callback(router.delete)
        for host, name in ((self.gateway, "up0"), (self.device, "down0")):
            run("ip", "link", "add", "veth0", "netns", host.name, "type", "veth",
                "peer", "name", name, "netns", router.name)
            router.ip("link", "set", name, "up")
            host.ip("link", "set", "veth0", "up")
        self.gateway.ip("addr", "add", GATEWAY + "/24", "dev", "veth0")
        router.ip("addr", "add", "203.0.113.2/24", "dev", "up0")
        self.device.ip("addr", "add", "10.64.255.2/30", "dev", "veth0")
        router.ip("addr", "add", "10.64.255.1/30", "dev", "down0")
        self.gateway.ip("route", "add", SHARED + "0/24", "via", "203.0.113.2")
        self.device.ip("route", "add", "default", "via", "10.64.255.1")
        self.device.ip("route", "add", "local", "10.64.0.0/17", "dev", "lo")
        router.ip("route", "add", "10.64.0.0/17", "via", "10.64.255.2")
        kind = WITHOUT_MAPPING[self.without_mapping]
        router.ip("route", "add", kind, SHARED + "0/24", *(["dev", "lo"] if kind == "local" else []))
        router.sysctl(ip_forward=1)
        settings = {"nf_conntrack_tcp_loose": 0}
        if self.timeout:
            settings["nf_conntrack_tcp_timeout_established"] = self.timeout
        to = ", ".join(f"{n}: {SHARED}{n + 1}" for n in range(self.shared))
        router.nft("table ip carrier {\n"
                   " chain forward { type filter hook forward priority 0; ct state invalid drop; }\n"
                   " chain nat { type nat hook postrouting priority 100;\n"
                   f"  oifname up0 snat to jhash ip saddr mod {self.shared} map {{ {to} }}; }}\n}}\n"
                   if self.shared > 1 else
                   "table ip carrier {\n"
                   " chain forward { type filter hook forward priority 0; ct state invalid drop; }\n"
                   " chain nat { type nat hook postrouting priority 100;\n"
                   f"  oifname up0 snat to {SHARED}1; }}\n}}\n")
        with inside(router.path):
            for name, value in settings.items():
                with open(f"/proc/sys/net/netfilter/{name}", "w") as f:
                    f.write(str(value))

    @staticmethod
    def address(number):
        return f"10.64.{number >> 8}.{number & 255}"

    def dial(self, number, port=7000, listener=None, device_port=0):
        """A connection from the device of this number; (gateway's socket, device's socket)."""
        listener = listener or self.listen(port=port)
        with inside(self.device.path):
            device = self.keep(socket.socket())
        device.setsockopt(socket.IPPROTO_IP, 24, 1)     # IP_BIND_ADDRESS_NO_PORT
        device.bind((self.address(number), device_port))
        device.connect((GATEWAY, port))
        gateway, _ = listener.accept()
        return self.keep(gateway), device

    def forget(self, number=None):
        """The carrier drops a device's mappings, or everybody's."""
        which = ["-D", "-s", self.address(number)] if number is not None else ["-F"]
        run("ip", "netns", "exec", self.router.name, "conntrack", *which)
