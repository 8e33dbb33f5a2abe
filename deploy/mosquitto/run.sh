#!/bin/sh
# Runs mosquitto in a container, and tells it (SIGHUP) when accounts or certificates have changed: the core that writes them is
# in another container and cannot send a signal. Argument: the folder "broker" of the data directory.
set -u
folder=$1
program=$(PATH="$PATH:/usr/sbin" command -v mosquitto) || { echo "mosquitto is not installed" >&2; exit 1; }

state() {
    for name in passwd acl ca.crt crl.pem server.crt server.key; do
        stat -c '%n %i %Y %s' "$folder/$name" 2>/dev/null
    done
}

trap '' HUP # for the broker too, until it catches it: while it starts, a SIGHUP would end it
known=$(state)
"$program" -c "$folder/mosquitto.conf" &
broker=$!
trap 'kill -TERM "$broker"' TERM INT
again=0
while kill -0 "$broker" 2>/dev/null; do
    sleep 1 &
    wait $! # and not sleep itself: a signal ends the wait
    now=$(state)
    if [ "$now" != "$known" ]; then
        known=$now
        again=3 # mosquitto 2.0.11 forgets a SIGHUP that comes while it reads for an earlier one
    fi
    if [ "$again" -gt 0 ]; then
        again=$((again - 1))
        kill -HUP "$broker" 2>/dev/null
    fi
done
wait "$broker"
