#!/bin/sh
# Health check of the broker in a container. Well is: TLS with a certificate for this name that is still good, and a client without
# a password refused (exit code 5). Arguments: the folder "broker" of the data directory, the host name, the port.
mosquitto_pub --cafile "$1/ca.crt" -h "$2" -p "$3" -t health -n >/dev/null 2>&1
[ $? -eq 5 ]
