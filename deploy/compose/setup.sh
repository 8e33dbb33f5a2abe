#!/bin/sh
# Before the first start: keys, an own CA and the broker's certificate, unless they are there already (yours, for instance), and
# what mosquitto reads. Runs at every start and changes nothing that is there. Argument: the broker's host name for clients.
set -eu
broker="$VIGIL_DATA_DIR/broker"
[ -e "$broker/ca.crt" ] || vigil tls ca
[ -e "$broker/server.crt" ] || vigil tls server --name "$1"
vigil run broker --prepare --certificates-port "$2"
