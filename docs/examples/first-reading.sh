#!/bin/sh
# Registers a patient and a device, publishes one pack, reads it back. Needs curl, mosquitto_pub, and a running "vigil up".
# Run it from the root of the repository.
set -eu
vigil=.venv/bin/vigil
token=$($vigil demo-token admin)
url=$($vigil doctor --url)
api() { curl --silent --show-error --fail --write-out '\n' -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }

api "$url/api/v1/patients" -d '{"id":"p-first","family":"Example","given":"First","born":"1950-01-01","sex":"female","ward":"Home"}'
access=$(api "$url/api/v1/devices" -d '{"id":"w-first","model":"shell script"}')
api "$url/api/v1/devices/w-first/binding" -d '{"patient_id":"p-first","start_at":"2026-01-01T00:00:00Z"}'

field() { printf '%s' "$access" | python3 -c "import json,sys; print(json.load(sys.stdin)['mqtt']['$1'])"; }
pack="[{\"bn\":\"urn:dev:w-first:\",\"bt\":$(date +%s),\"n\":\"epoch\",\"v\":$(date +%s)},{\"n\":\"seq\",\"v\":0},{\"n\":\"hr\",\"v\":72}]"
mosquitto_pub -V mqttv311 -q 1 -h "$(field host)" -p "$(field port)" -i w-first -u w-first -P "$(field password)" \
    -t rpm/v1/home/d/w-first/tel/vitals -m "$pack"
sleep 1
api "$url/api/v1/patients/p-first/vitals?vital=heart_rate"
