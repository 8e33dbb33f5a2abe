#!/bin/sh
# Lists the open alerts of a running "vigil up". Needs curl.
set -eu
vigil=.venv/bin/vigil
token=$($vigil demo-token nurse)
url=$($vigil doctor --url)
curl --silent --show-error --fail --write-out '\n' -H "Authorization: Bearer $token" "$url/api/v1/alerts?state=open"
