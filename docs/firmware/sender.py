"""A device in MicroPython: packs in CBOR, kept until ``cmd/ack``, sent again when not. Explained in docs/firmware.md.

    from umqtt.simple import MQTTClient
    client = MQTTClient("w-0a1b2c3d", host, port, "w-0a1b2c3d", password, keepalive=60)
    sender = Sender(client, "home", "w-0a1b2c3d", boot_count)
    sender.connect()
    sender.send(unix_s, [("hr", None, 72, 0), ("temp", "Cel", 368, -1)], uptime_s)
    sender.loop(uptime_s)    # about once a second

Uses only what MicroPython and CPython share. ``uptime_s`` never goes back; ``unix_s`` is the device's clock.
"""

import json

FIRST_S, LONGEST_S = 30, 600


def head(major, n):
    """Head of a CBOR item, its number in the shortest form (RFC 8949 section 3)."""
    if n < 24:
        return bytes([major << 5 | n])
    size = 0 if n < 0x100 else 1 if n < 0x10000 else 2
    return bytes([major << 5 | 24 + size]) + n.to_bytes(1 << size, "big")


def item(value):
    """A whole number, a text, or (mantissa, exponent) as a decimal fraction."""
    if isinstance(value, tuple):
        return head(6, 4) + head(4, 2) + item(value[1]) + item(value[0])
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(0, value) if value >= 0 else head(1, -1 - value)


def record(pairs):
    return head(5, len(pairs)) + b"".join([item(label) + item(value) for label, value in pairs])


def pack(device, unix_s, epoch, seq, values):
    """``values``: (name, unit or None, mantissa, exponent). Labels: RFC 8428 section 6."""
    made = head(4, len(values) + 2)
    made += record([(-2, "urn:dev:" + device + ":"), (-3, unix_s), (0, "epoch"), (2, epoch)])
    made += record([(0, "seq"), (2, seq)])
    for name, unit, mantissa, exponent in values:
        fields = [(0, name)] if unit is None else [(0, name), (1, unit)]
        fields.append((2, (mantissa, exponent) if exponent else mantissa))
        made += record(fields)
    return made


class Sender:
    """``client``: umqtt.simple. ``epoch``: new at each boot. ``most``: packs in memory; the oldest goes when it is full.

    ``set_clock(unix_ms)``, ``configure(interval_s, limits)`` and ``ask_wearer(binding)`` are yours; the second returns "" or why
    not. After the third call ``answer_wearer`` with what the person pressed; ``binding`` None: stop asking.
    """

    def __init__(
        self, client, tenant, device, epoch, most=256, set_clock=None, configure=None, ask_wearer=None, measure=None
    ):
        self.client, self.device, self.epoch, self.most = client, device, epoch, most
        self.root = "rpm/v1/" + tenant + "/d/" + device
        self.set_clock, self.configure, self.ask_wearer, self.measure = set_clock, configure, ask_wearer, measure
        self.seq, self.uptime_s = 0, 0
        self.questions, self.asked_s = 0, 0
        self.kept = {}  # seq: [payload, when it is due, how often it was sent]

    def connect(self):
        self.client.set_callback(self.command)
        self.client.set_last_will(self.root + "/state", b"offline", True, 1)
        self.client.connect(False)  # not clean: commands wait while the device is away
        self.client.subscribe(self.root + "/cmd/#", 1)
        self.client.publish(self.root + "/state", b"online", True, 1)
        for one in self.kept.values():
            one[1] = self.uptime_s

    def send(self, unix_s, values, uptime_s):
        if len(self.kept) >= self.most:
            del self.kept[min(self.kept)]
        self.kept[self.seq] = [pack(self.device, unix_s, self.epoch, self.seq, values), uptime_s, 0]
        self.seq += 1
        self.loop(uptime_s)

    def loop(self, uptime_s):
        self.uptime_s = uptime_s
        self.client.check_msg()
        for seq in sorted(self.kept):
            one = self.kept[seq]
            if one[1] <= uptime_s:
                one[1] = uptime_s + min(FIRST_S << min(one[2], 8), LONGEST_S)
                one[2] += 1
                self.client.publish(self.root + "/tel/vitals", one[0], False, 1)

    def ask_time(self, uptime_s):
        self.questions, self.asked_s = self.questions + 1, uptime_s
        self.client.publish(self.root + "/res/time", json.dumps({"asked": self.questions}), False, 1)

    def answer_wearer(self, binding, yes):
        answer = {"binding": binding, "confirmed": yes}
        self.client.publish(self.root + "/res/bound", json.dumps(answer), False, 1)

    def command(self, topic, payload):
        name, said = topic.decode().split("/")[-1], json.loads(payload.decode())
        if name == "ack" and said["epoch"] == self.epoch:
            for seq in [seq for seq in self.kept if seq <= said["seq"]]:
                del self.kept[seq]
        elif name == "backfill" and said["epoch"] == self.epoch:
            found = [seq for seq in self.kept if said["from"] <= seq <= said["to"]]
            for seq in found:
                self.kept[seq][1] = self.uptime_s
            if not found:
                self.client.publish(self.root + "/res/backfill", payload, False, 1)
        elif name == "time" and self.set_clock and self.questions and said.get("asked") == self.questions:
            on_the_way_s = self.uptime_s - self.asked_s - said["uncertainty_s"]
            self.set_clock(said["server_ms"] + int(500 * max(on_the_way_s, 0)))
        elif name == "config" and self.configure:
            why = self.configure(said["interval_s"], said["limits"])
            answer = {"version": said["version"], "accepted": not why, "text": why}
            self.client.publish(self.root + "/res/config", json.dumps(answer), False, 1)
        elif name == "bound" and self.ask_wearer:
            self.ask_wearer(said["binding"])
        elif name == "measure" and self.measure:
            why = self.measure()
            answer = {"request": said["request"], "accepted": not why, "text": why}
            self.client.publish(self.root + "/res/measure", json.dumps(answer), False, 1)
        elif name == "error":
            print("refused:", said["reason"], said["text"], said["names"])
