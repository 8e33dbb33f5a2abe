"""The Bluetooth hub against software peripherals, through real bleak."""
