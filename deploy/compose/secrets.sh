#!/bin/sh
# Makes the passwords of a new installation: random ones, each in a file of deploy/compose/secrets. What is there already stays.
# The folder lets nobody else in; the files themselves are readable because each container runs as another user.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)/secrets
umask 077
mkdir -p "$folder"
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { # name, content
    if [ ! -e "$folder/$1" ]; then
        printf '%s' "$2" >"$folder/$1"
        chmod 444 "$folder/$1"
    fi
}
keep postgres_password "$(random)"
keep records_url "postgresql://vigil:$(cat "$folder/postgres_password")@postgres:5432/vigil"
keep influxdb_password "$(random)"
keep influxdb_token "$(random)"
keep grafana_password "$(random)"
# A token with the right to read, made on the page by an administrator once Vigil runs (docs/operations.md).
keep grafana_token ""
