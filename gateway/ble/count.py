"""The counters of the Bluetooth hub."""

from __future__ import annotations

from vigil.runtime.metrics import Metrics


class BluetoothCounts:
    """``frames`` by outcome: accepted, repeated, bad (breaks its layout), unknown_user, untimed, dropped (no room).

    ``connections`` by outcome: made, failed, unpaired, lost (ended by the peripheral or the distance).
    """

    def __init__(self, metrics: Metrics) -> None:
        self.frames = metrics.counter("gateway_ble_frames_total", "Bluetooth values by outcome", ["outcome"])
        self.connections = metrics.counter("gateway_ble_connections_total", "Bluetooth connections", ["outcome"])
        self.connected = metrics.gauge("gateway_ble_connected", "Peripherals connected now")
        self.radio = metrics.gauge("gateway_ble_radio", "1 while the Bluetooth adapter works")
